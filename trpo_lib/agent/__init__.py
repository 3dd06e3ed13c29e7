"""What surrounds the algorithm: an agent that collects and learns, acts, is saved, and keeps its records."""
