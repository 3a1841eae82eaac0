"""What frames are analysed with; nothing here knows a Dataset."""
