"""The model on another machine: what is said over its one route, who answers there, and who asks from here.

Nothing of it is imported by a bot that has no INFERENCE_URL.
"""
