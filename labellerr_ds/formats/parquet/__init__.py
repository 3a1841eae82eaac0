"""The tables of a Dataset as a folder of Parquet files; read and written."""
