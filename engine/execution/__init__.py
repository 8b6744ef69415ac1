"""Executors compute the shares of a sweep. Shares go in as plain requests and come back as rows.

executor   the protocol of executors; shares and rows: plain values, valid as JSON in another process or machine
threads    the first executor: a thread for each device of this process
"""
