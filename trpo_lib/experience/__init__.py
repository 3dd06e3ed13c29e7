"""From a vector environment to the batch that one update knows."""
