package driverscore.streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.Locale;

/** Writes the messages of {@code driver-scores}: all fields but the reasons and the id of the score. */
final class ScoreMessage {
    private static final int TYPICAL_BYTES = 2048;
    private static final JsonFactory JSON =
            JsonFactory.builder().enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER).build();

    private static final DateTimeFormatter ISO_MS = new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    private final DriverScoreModel model;

    ScoreMessage(DriverScoreModel model) {
        this.model = model;
    }

    /** Gives one message; {@code score} is null where there was too little driving for one. */
    byte[] of(
            TripEvent event, TripState state, boolean isTrip, boolean last, TripSums sums, double[] features,
            DriverScoreModel.Score score) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(TYPICAL_BYTES);
        long untilMs = Math.min(state.newestMs, state.windowEndMs);
        try (JsonGenerator to = JSON.createGenerator(bytes)) {
            to.writeStartObject();
            for (int column = 0; column < features.length; column++) {
                writeFeature(to, TripSums.FEATURES[column], features[column]);
            }
            to.writeNumberField("revision", isTrip ? state.revision : 0);
            to.writeStringField("kind", isTrip ? "trip" : "window");
            to.writeBooleanField("final", last);
            to.writeStringField("status", score == null ? "insufficient_exposure" : "scored");
            to.writeStringField("trip_id", event.tripId);
            to.writeStringField("vehicle_id", event.vehicleId);
            to.writeStringField("driver_id", event.driverId);
            to.writeStringField("client_id", event.clientId);
            to.writeStringField("vehicle_class", event.vehicleClass.name().toLowerCase(Locale.ROOT));
            writeTime(to, "window_start", isTrip ? state.firstMs : state.windowStartMs());
            writeTime(to, "window_end", isTrip ? untilMs : state.windowEndMs);
            writeTime(to, "event_time", untilMs);
            writeTime(to, "scored_at", System.currentTimeMillis());
            to.writeNumberField("event_count", sums.eventCount);
            to.writeNumberField("late_event_count", 0);
            if (score == null) {
                to.writeNullField("risk");
                to.writeNullField("score");
                to.writeNullField("band");
            } else {
                to.writeNumberField("risk", score.risk());
                to.writeNumberField("score", Math.rint(score.score() * 100) / 100);
                to.writeStringField("band", score.band());
            }
            to.writeStringField("model_name", model.name());
            to.writeStringField("model_version", model.version());
            to.writeStringField("model_role", "champion");
            to.writeStringField("threshold_profile", "default-v2");
            to.writeEndObject();
        }
        return bytes.toByteArray();
    }

    private static void writeFeature(JsonGenerator to, String name, double feature) throws IOException {
        if (Double.isNaN(feature)) {
            to.writeNullField(name);
        } else if (name.endsWith("_count")) {
            to.writeNumberField(name, (int) feature);
        } else {
            to.writeNumberField(name, feature);
        }
    }

    private static void writeTime(JsonGenerator to, String name, long epochMs) throws IOException {
        to.writeStringField(name, ISO_MS.format(Instant.ofEpochMilli(epochMs)));
    }
}
