"""Image folders and `datasets` of Hugging Face; written."""
