"""What goes beyond TRPO: each a subclass that is named for what it is. Nothing below this folder knows of them."""
