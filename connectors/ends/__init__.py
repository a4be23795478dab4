"""Where submissions come from: a folder of files, a tape, Kafka. All give rows of `RAW`."""
