"""Whatever the screen hangs in: keys, colours, signs, the clipboard, the user's editor, a browser."""
