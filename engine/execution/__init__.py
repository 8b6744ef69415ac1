"""Executors compute the shares of a sweep. Shares go in as plain requests and come back as rows.

share      a share and a row: plain values, valid as JSON in another process or on another machine
executor   the protocol of executors
threads    the first executor: a thread for each device of this process
"""
