"""Slide decks from the notebooks: python -m slides [NOTEBOOK …] [--check] [--png FOLDER]."""
