"""From an environment's id to a trained agent, in a line of Python or of the shell."""
