"""The stream job: narrow rows in, crossings out, on a mini-cluster or on a Flink cluster.

`embedded.run_embedded` runs it over a folder of segments in a child process; `live.submit` hands
the same job to a cluster with Kafka at both ends. Only the modules that run inside Flink's
processes (`child`, `graph`, `operators`) import pyflink.
"""
