"""A vision-language model on this machine: its checkpoint, what it sees and hears, the form of its answer."""
