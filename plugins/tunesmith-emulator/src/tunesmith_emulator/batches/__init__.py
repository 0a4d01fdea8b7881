"""Batches of chats, and their files."""
