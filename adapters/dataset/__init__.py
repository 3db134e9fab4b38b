"""From messages to what a persona learns from: chat-format rows, split by time."""
