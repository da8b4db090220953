package driverscore.streams;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.Stores;

/** Runs the job until it is told to stop; settings are arguments of the form {@code name=value}. */
final class Main {
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(30);
    private static final int MIB = 1024 * 1024;

    /** Three times the default, for fewer polls; ten times was no faster. */
    private static final int POLLED_RECORDS = 3000;

    private Main() { }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> settings = new HashMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException(argument + " is not name=value");
            }
            settings.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        DriverScoreModel model = new DriverScoreModel(Path.of(required(settings, "model")));
        KafkaStreams streams = new KafkaStreams(topology(required(settings, "prefix"), model), properties(settings));
        CountDownLatch stopped = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now.hasCompletedShutdown()) {
                stopped.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE_TIMEOUT)));
        streams.start();
        stopped.await();
        if (streams.state() == KafkaStreams.State.ERROR) {
            System.exit(1);
        }
    }

    /** Events are keyed by vehicle and partitioned so already: no repartitioning, one processor. */
    private static Topology topology(String prefix, DriverScoreModel model) {
        ByteArrayDeserializer read = new ByteArrayDeserializer();
        ByteArraySerializer write = new ByteArraySerializer();
        return new Topology()
                .addSource("events", read, read, prefix + "trip-events")
                .addProcessor("score-trips", () -> new ScoreTrips(model), "events")
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                        Stores.inMemoryKeyValueStore(ScoreTrips.STORE),
                                        Serdes.String(),
                                        TripState.serde())
                                .withCachingEnabled()
                                .withLoggingEnabled(Map.of()),
                        "score-trips")
                .addSink(ScoreTrips.SCORES, prefix + "driver-scores", write, write, "score-trips")
                .addSink(ScoreTrips.DEAD_LETTERS, prefix + "trip-events-dlq", write, write, "score-trips");
    }

    private static Properties properties(Map<String, String> settings) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, required(settings, "bootstrap"));
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, required(settings, "group"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, required(settings, "state-dir"));
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, required(settings, "threads"));
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, required(settings, "commit-ms"));
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, required(settings, "cache-bytes"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, POLLED_RECORDS);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, POLLED_RECORDS);
        properties.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 4 * MIB);
        properties.put(ConsumerConfig.RECEIVE_BUFFER_CONFIG, MIB);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 100);
        properties.put(ProducerConfig.BATCH_SIZE_CONFIG, MIB / 4);
        properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 128L * MIB);
        properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 12 * MIB); // what is rejected may be 11 MiB
        return properties;
    }

    private static String required(Map<String, String> settings, String name) {
        String setting = settings.get(name);
        if (setting == null) {
            throw new IllegalArgumentException("missing argument: " + name + "=…");
        }
        return setting;
    }
}
