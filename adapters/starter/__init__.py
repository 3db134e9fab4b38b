"""The starter model: how the small base model that ships with the project was made."""
