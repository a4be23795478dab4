"""The job as a graph: source -> pair -> rules -> sink, the same for both transports."""

from collections.abc import Mapping

from pyflink.common import Configuration, Duration, Types, WatermarkStrategy
from pyflink.common.serialization import ByteArraySchema, Encoder, SimpleStringSchema
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.file_system import BucketAssigner, FileSink, RollingPolicy
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)
from pyflink.datastream.connectors.number_seq import NumberSequenceSource

from pipelines.job.operators import LINES, PairStage, ReadSegments, RouteRows, RulesStage
from pipelines.job.segments import segment_count, watermark_of
from pipelines.job.settings import JobSettings, LiveSettings, StageSettings

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
KEYED_BYTES = Types.TUPLE([Types.INT(), BYTES])


class MessageTime(TimestampAssigner):  # type: ignore[misc]
    """A message's time is its watermark time; the strategy subtracts the slack from it."""

    def extract_timestamp(self, value: bytes, record_timestamp: int) -> int:
        """Milliseconds since 1970."""
        return watermark_of(value) // 1_000


def configuration(values: Mapping[str, str]) -> Configuration:
    """Flink's configuration object of these values."""
    made = Configuration()
    for name, value in values.items():
        made.set_string(name, value)
    return made


def stages(messages: DataStream, settings: StageSettings) -> DataStream:
    """Both keyed stages over a stream of messages that has timestamps and watermarks.

    Both run compiled kernels, so each has a thread to itself: where two Python operators share a
    thread, each has its own Python thread state, and a kernel that gives an array back asks for the
    lock in the name of the other one and waits for itself (docs/adr/0011-one-operator-a-thread.md).

    Returns:
        Lines of output (`pipelines.job.outputs`), of both stages.
    """
    routed = messages.flat_map(RouteRows(settings.pair_buckets), KEYED_BYTES).name("route")
    routed = routed.set_parallelism(messages._j_data_stream.getParallelism())
    paired = (
        routed.key_by(_first, Types.INT())
        .process(PairStage(settings), KEYED_BYTES)
        .name("pair")
        .uid("pair")
        .disable_chaining()
    )
    judged = (
        paired.key_by(_first, Types.INT())
        .process(RulesStage(settings), Types.STRING())
        .name("rules")
        .uid("rules")
        .disable_chaining()
    )
    return judged.union(paired.get_side_output(LINES))


def embedded(env: StreamExecutionEnvironment, settings: JobSettings) -> None:
    """Lay the whole embedded job into an environment: folder of segments in, text files out."""
    last = (settings.segments or segment_count(settings.narrow)) - 1
    # A number sequence keeps its position in checkpoints; a collection would start again at 0.
    numbers = env.from_source(
        NumberSequenceSource(0, last), WatermarkStrategy.no_watermarks(), "segments"
    )
    messages = (
        numbers.set_parallelism(1)
        .uid("segments")
        .flat_map(ReadSegments(settings), BYTES)
        .name("read")
        .set_parallelism(1)
        .assign_timestamps_and_watermarks(
            WatermarkStrategy.for_bounded_out_of_orderness(
                Duration.of_millis(settings.slack_us // 1_000)
            ).with_timestamp_assigner(MessageTime())
        )
    )
    sink = (
        FileSink.for_row_format(
            str(settings.folder.resolve() / "out"), Encoder.simple_string_encoder()
        )
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    )
    stages(messages, settings).sink_to(sink).name("files").uid("files").set_parallelism(1)


def live(env: StreamExecutionEnvironment, settings: LiveSettings) -> None:
    """Lay the live job into an environment: narrow messages in, lines out, exactly once.

    A message's Kafka time is its watermark time, so the strategy needs no Python; each partition
    has a watermark of its own, and the slowest one counts. None is ever called idle: a stage whose
    senders were all idle follows the first that wakes, and the others' rows come behind it.
    """
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(settings.servers)
        .set_topics(settings.source)
        .set_group_id(settings.transaction_prefix)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(ByteArraySchema())
        .set_property("isolation.level", "read_committed")
        .set_property("max.partition.fetch.bytes", str(8 << 20))
        .build()
    )
    watermarks = WatermarkStrategy.for_bounded_out_of_orderness(
        Duration.of_millis(settings.slack_us // 1_000)
    )
    messages = env.from_source(source, watermarks, "narrow", BYTES).uid("narrow")
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(settings.servers)
        .set_record_serializer(
            KafkaRecordSerializationSchema.builder()
            .set_topic(settings.sink)
            .set_value_serialization_schema(SimpleStringSchema())
            .build()
        )
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(settings.transaction_prefix)
        .set_property("transaction.timeout.ms", str(settings.transaction_timeout_ms))
        .set_property("max.request.size", str(8 << 20))
        .build()
    )
    stages(messages, settings).sink_to(sink).name("crossings").uid("crossings").set_parallelism(1)


def _first(pair: tuple[int, bytes]) -> int:
    return pair[0]
