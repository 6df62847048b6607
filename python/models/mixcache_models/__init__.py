"""What the models are: the pieces that run by themselves, for the exporter and for the torch worker alike."""
