"""What `dlec doctor` looks at. Each file tells one thing, deciding in pure functions over what it was told."""
