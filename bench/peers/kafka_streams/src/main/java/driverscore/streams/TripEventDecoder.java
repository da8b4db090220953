package driverscore.streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads and checks one event of {@code trip-events}, token by token; one for each task. */
final class TripEventDecoder {
    private static final int MAX_ID_LENGTH = 64;
    private static final long MIN_TIMESTAMP_MS = 946_684_800_000L;
    private static final long MAX_AHEAD_MS = 86_400_000L;
    private static final int MS_PER_MIN = 60_000;
    private static final double UNKNOWN_LIMIT_KMH = 255;
    private static final Pattern JSON_NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    private static final Map<String, TripEvent.Type> TYPES = byName(TripEvent.Type.values());
    private static final Map<String, TripEvent.VehicleClass> CLASSES = byName(TripEvent.VehicleClass.values());

    private final JsonFactory json = JsonFactory.builder()
            .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    TripEvent decode(byte[] value) throws InvalidEventException {
        if (value == null || value.length == 0) {
            throw new InvalidEventException("empty_value", "the message has no value");
        }
        TripEvent event = new TripEvent();
        try (JsonParser parser = json.createParser(value)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new InvalidEventException("not_an_object", "the message is no JSON object");
            }
            String name;
            while ((name = parser.nextFieldName()) != null) {
                parser.nextToken();
                readField(name, parser, event);
            }
            if (parser.nextToken() != null) {
                throw new InvalidEventException("not_json", "something follows the object");
            }
        } catch (JsonProcessingException error) {
            throw new InvalidEventException("not_json", error.getOriginalMessage());
        } catch (IOException error) {
            throw new InvalidEventException("not_json", error.getMessage());
        }
        return checked(event);
    }

    private static void readField(String name, JsonParser parser, TripEvent event)
            throws IOException, InvalidEventException {
        switch (name) {
            case "trip_id" -> event.tripId = id(name, parser);
            case "vehicle_id" -> event.vehicleId = id(name, parser);
            case "driver_id" -> event.driverId = id(name, parser);
            case "client_id" -> event.clientId = id(name, parser);
            case "vehicle_class" -> event.vehicleClass = choice(parser, CLASSES, TripEvent.VehicleClass.CAR);
            case "event_type" -> event.type = choice(parser, TYPES, TripEvent.Type.SAMPLE);
            case "timestamp" -> readTimestamp(parser, event);
            case "speed_kmh" -> event.speedKmh = number(parser, 0, 300);
            case "acceleration_mps2" -> event.accelerationMps2 = number(parser, -400, 400);
            case "lateral_acceleration_mps2" -> event.lateralMps2 = number(parser, -400, 400);
            case "speed_limit_kmh" -> {
                float limitKmh = number(parser, 1, 300);
                event.speedLimitKmh = limitKmh == UNKNOWN_LIMIT_KMH ? Float.NaN : limitKmh;
            }
            case "peak_mps2" -> event.peakMps2 = number(parser, -400, 400);
            case "duration_s" -> {
                float durationS = number(parser, 0, 86_400);
                event.durationMs = Float.isNaN(durationS) ? 0 : (int) Math.rint(durationS * 1000.0);
            }
            default -> parser.skipChildren();
        }
    }

    private static TripEvent checked(TripEvent event) throws InvalidEventException {
        require(event.tripId, "trip_id");
        require(event.vehicleId, "vehicle_id");
        require(event.driverId, "driver_id");
        require(event.clientId, "client_id");
        if (event.timestampMs == Long.MIN_VALUE) {
            throw new InvalidEventException("missing_field", "timestamp: field required");
        }
        if (event.type == TripEvent.Type.SAMPLE && !event.measuresMotion()) {
            throw new InvalidEventException("nothing_measured", "a sample needs speed_kmh or an acceleration");
        }
        return event;
    }

    private static void require(String id, String name) throws InvalidEventException {
        if (id == null) {
            throw new InvalidEventException("missing_field", name + ": field required");
        }
    }

    private static String id(String name, JsonParser parser) throws IOException, InvalidEventException {
        JsonToken token = parser.currentToken();
        if (token != JsonToken.VALUE_STRING && token != JsonToken.VALUE_NUMBER_INT) {
            throw new InvalidEventException("wrong_type", name + ": neither text nor a whole number");
        }
        String id = parser.getText();
        boolean legal = !id.isEmpty() && id.length() <= MAX_ID_LENGTH;
        for (int place = 0; legal && place < id.length(); place++) {
            char letter = id.charAt(place);
            legal = letter >= 'a' && letter <= 'z' || letter >= 'A' && letter <= 'Z' || letter >= '0' && letter <= '9'
                    || letter == '-' || letter == '_' || letter == '.' || letter == ':';
        }
        if (!legal) {
            throw new InvalidEventException("illegal_id", name + ": not 1 to 64 letters, digits, _ . : -");
        }
        return id;
    }

    /** Reads a word; one that is none of the choices counts as not given. */
    private static <T> T choice(JsonParser parser, Map<String, T> choices, T otherwise) throws IOException {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            parser.skipChildren();
            return otherwise;
        }
        return choices.getOrDefault(parser.getText(), otherwise);
    }

    /** Reads a number, perhaps as text; what is none, or out of range, is unknown. */
    private static float number(JsonParser parser, double least, double most) throws IOException {
        JsonToken token = parser.currentToken();
        float number = Float.NaN;
        if (token == JsonToken.VALUE_NUMBER_FLOAT || token == JsonToken.VALUE_NUMBER_INT) {
            number = (float) parser.getDoubleValue();
        } else if (token == JsonToken.VALUE_STRING && JSON_NUMBER.matcher(parser.getText()).matches()) {
            number = (float) Double.parseDouble(parser.getText());
        } else {
            parser.skipChildren();
        }
        return number >= least && number <= most ? number : Float.NaN;
    }

    private static void readTimestamp(JsonParser parser, TripEvent event) throws IOException, InvalidEventException {
        JsonToken token = parser.currentToken();
        if (token != JsonToken.VALUE_STRING && token != JsonToken.VALUE_NUMBER_INT) {
            throw illegalTimestamp();
        }
        String text = parser.getText();
        try {
            if (text.length() > 4 && text.charAt(4) == '-') {
                readIso(text, event);
            } else {
                event.timestampMs = Long.parseLong(text);
            }
        } catch (NumberFormatException | IndexOutOfBoundsException | DateTimeException error) {
            throw illegalTimestamp();
        }
        if (event.timestampMs < MIN_TIMESTAMP_MS
                || event.timestampMs > System.currentTimeMillis() + MAX_AHEAD_MS) {
            throw new InvalidEventException("timestamp_out_of_range", "timestamp: before 2000, or in the future");
        }
    }

    /** Reads {@code 2026-03-02T08:15:00.123+01:00}; java.time's formatter would take longer than all other fields. */
    private static void readIso(String text, TripEvent event) throws InvalidEventException {
        long day = LocalDate.of(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)).toEpochDay();
        int hour = digits(text, 11, 13);
        int minute = digits(text, 14, 16);
        int second = digits(text, 17, 19);
        int at = 19;
        int ms = 0;
        if (text.charAt(at) == '.') {
            int scale = 100;
            for (at++; Character.isDigit(text.charAt(at)); at++, scale /= 10) {
                ms += (text.charAt(at) - '0') * scale;
            }
        }
        boolean shaped = text.charAt(7) == '-' && text.charAt(10) == 'T' && text.charAt(13) == ':'
                && text.charAt(16) == ':' && hour < 24 && minute < 60 && second < 60 && at != 20 && at <= 29;
        int offsetMin = 0;
        if (text.charAt(at) != 'Z') {
            offsetMin = digits(text, at + 1, at + 3) * 60 + digits(text, at + 4, at + 6);
            shaped &= text.charAt(at + 3) == ':' && text.length() == at + 6 && offsetMin < 24 * 60;
            shaped &= text.charAt(at) == '+' || text.charAt(at) == '-';
            offsetMin = text.charAt(at) == '-' ? -offsetMin : offsetMin;
        } else {
            shaped &= text.length() == at + 1;
        }
        if (!shaped) {
            throw illegalTimestamp();
        }
        event.timestampMs = ((day * 24 + hour) * 60 + minute - offsetMin) * MS_PER_MIN + second * 1000L + ms;
        event.utcOffsetMin = offsetMin;
    }

    private static int digits(String text, int from, int until) {
        int number = 0;
        for (int place = from; place < until; place++) {
            char digit = text.charAt(place);
            if (digit < '0' || digit > '9') {
                throw new NumberFormatException();
            }
            number = number * 10 + digit - '0';
        }
        return number;
    }

    private static InvalidEventException illegalTimestamp() {
        return new InvalidEventException(
                "illegal_timestamp", "timestamp: neither ISO 8601 with an offset nor whole epoch milliseconds");
    }

    private static <T extends Enum<T>> Map<String, T> byName(T[] choices) {
        return Stream.of(choices)
                .collect(Collectors.toMap(choice -> choice.name().toLowerCase(Locale.ROOT), Function.identity()));
    }
}
