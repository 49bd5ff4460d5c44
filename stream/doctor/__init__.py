"""`floorcast doctor`: facts about Kafka, Redis and who works there (gather.py), and a file of checks an area.

A check is a function from facts to findings: to add one, write it and name it in its file's CHECKS.
"""
