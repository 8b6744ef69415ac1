"""What is kept when the screen is left, and told when it is back."""
