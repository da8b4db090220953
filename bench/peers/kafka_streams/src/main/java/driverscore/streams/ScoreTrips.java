package driverscore.streams;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Takes in one event after another; scores a window and its trip when the first event after the window comes, and both
 * for the last time when the trip ends. An event that is not newer than all before it is late, and dropped.
 */
final class ScoreTrips implements Processor<byte[], byte[], byte[], byte[]> {
    static final String STORE = "trips";
    static final String SCORES = "scores";
    static final String DEAD_LETTERS = "dead-letters";

    private static final double MIN_TRIP_KM = 1.0;
    private static final double MIN_TRIP_S = 120.0;
    private static final double MIN_WINDOW_KM = 0.2;
    private static final double MIN_WINDOW_S = 30.0;

    private final DriverScoreModel model;
    private final ScoreMessage message;
    private final TripEventDecoder decoder = new TripEventDecoder();
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, TripState> trips;
    private Sensor rejects;
    private Sensor late;

    ScoreTrips(DriverScoreModel model) {
        this.model = model;
        message = new ScoreMessage(model);
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        trips = context.getStateStore(STORE);
        String task = context.taskId().toString();
        rejects = context.metrics().addRateTotalSensor("driver-score", task, "rejects", Sensor.RecordingLevel.INFO);
        late = context.metrics().addRateTotalSensor("driver-score", task, "late", Sensor.RecordingLevel.INFO);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        TripEvent event;
        try {
            event = decoder.decode(record.value());
        } catch (InvalidEventException problem) {
            rejects.record();
            reject(record, problem);
            return;
        }
        String key = event.vehicleId + '|' + event.tripId;
        TripState trip = trips.get(key);
        if (trip == null) {
            trip = new TripState();
            trip.startWindow(event);
        } else if (event.timestampMs <= trip.newestMs) {
            late.record();
            return;
        } else if (trip.startsWindow(event)) {
            publish(record, event, trip, false);
            trip.startWindow(event);
        }
        trip.fold(event);
        if (event.type == TripEvent.Type.TRIP_END) {
            publish(record, event, trip, true);
            trips.delete(key);
        } else {
            trips.put(key, trip);
        }
    }

    private void publish(Record<byte[], byte[]> record, TripEvent event, TripState state, boolean last) {
        TripSums trip = state.trip();
        double[] windowFeatures = state.window.features();
        double[] tripFeatures = trip.features();
        DriverScoreModel.Score[] scores;
        byte[] ofWindow;
        byte[] ofTrip;
        try {
            scores = model.score(windowFeatures, tripFeatures);
            ofWindow = message.of(event, state, false, last, state.window, windowFeatures,
                    reached(windowFeatures, MIN_WINDOW_KM, MIN_WINDOW_S) ? scores[0] : null);
            ofTrip = message.of(event, state, true, last, trip, tripFeatures,
                    reached(tripFeatures, MIN_TRIP_KM, MIN_TRIP_S) ? scores[1] : null);
        } catch (OrtException | IOException error) {
            throw new StreamsException(error);
        }
        state.revision++;
        byte[] key = event.tripId.getBytes(StandardCharsets.UTF_8);
        context.forward(record.withKey(key).withValue(ofWindow), SCORES);
        context.forward(record.withKey(key).withValue(ofTrip), SCORES);
    }

    private static boolean reached(double[] features, double minKm, double minS) {
        return features[TripSums.DISTANCE_KM] >= minKm && features[TripSums.DURATION_S] >= minS;
    }

    private void reject(Record<byte[], byte[]> record, InvalidEventException problem) {
        Headers headers = record.headers();
        headers.add("error-code", bytes(problem.code));
        headers.add("error-message", bytes(problem.getMessage()));
        RecordMetadata from = context.recordMetadata().orElseThrow();
        headers.add("source-topic", bytes(from.topic()));
        headers.add("source-partition", bytes(Integer.toString(from.partition())));
        headers.add("source-offset", bytes(Long.toString(from.offset())));
        context.forward(record, DEAD_LETTERS);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
