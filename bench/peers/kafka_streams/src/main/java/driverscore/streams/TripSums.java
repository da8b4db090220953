package driverscore.streams;

import java.nio.ByteBuffer;

/** The sums of a window or a trip, and the features that they give; times are milliseconds. */
final class TripSums {
    /** Size of {@link #write}'s bytes. */
    static final int BYTES = 16 * Integer.BYTES + 9 * Double.BYTES + Float.BYTES;

    /** The columns of {@link #features}; those that are not computed here are NaN. */
    static final String[] FEATURES = {
        "duration_s", "distance_km", "avg_speed", "speed_volatility", "max_speed_kmh", "hard_event_count",
        "hard_brake_count", "hard_acceleration_count", "hard_corner_count", "hard_events_per_100km", "speeding_ratio",
        "speeding_ratio_moderate", "speeding_ratio_serious", "speeding_ratio_severe", "night_ratio", "idle_ratio",
        "stop_count", "phone_use_ratio", "jerk_rms_mps3", "peak_deceleration_mps2", "peak_acceleration_mps2",
        "peak_lateral_mps2", "acceleration_rms_mps2", "lateral_rms_mps2",
    };

    static final int DURATION_S = 0;
    static final int DISTANCE_KM = 1;

    private static final double KMH_MS_PER_KM = 3_600_000.0;
    private static final double MIN_RATE_DISTANCE_KM = 1.0;

    int durationMs;
    int speedMs;
    int ratedMs;
    int lateralMs;
    int jerkMs;
    int limitMs;
    int overModerateMs;
    int overSeriousMs;
    int overSevereMs;
    int nightMs;
    int idleMs;
    int eventCount;
    int brakes;
    int accelerations;
    int corners;
    int stops;
    double distanceKmhMs;
    double speedMeanKmh;
    double speedM2;
    double accelerationSquareMs;
    double lateralSquareMs;
    double jerkSquareMs;
    double peakDecelerationMps2;
    double peakAccelerationMps2;
    double peakLateralMps2;
    float maxSpeedKmh;

    /** Adds both ends of an interval to the time-weighted mean and variance of speed (West, 1979). */
    void addSpeeds(double firstKmh, double secondKmh, int intervalMs) {
        double halfMs = intervalMs / 2.0;
        double beforeMs = speedMs;
        double speedKmh = firstKmh;
        for (int end = 0; end < 2; end++) {
            double delta = speedKmh - speedMeanKmh;
            double step = delta * halfMs / (beforeMs + halfMs);
            speedMeanKmh += step;
            speedM2 += beforeMs * delta * step;
            beforeMs += halfMs;
            speedKmh = secondKmh;
        }
        speedMs += intervalMs;
    }

    /** Adds a later part. */
    void merge(TripSums later) {
        if (later.speedMs > 0) {
            double delta = later.speedMeanKmh - speedMeanKmh;
            double share = (double) later.speedMs / (speedMs + later.speedMs);
            speedMeanKmh += delta * share;
            speedM2 += later.speedM2 + delta * delta * speedMs * share;
        }
        durationMs += later.durationMs;
        speedMs += later.speedMs;
        ratedMs += later.ratedMs;
        lateralMs += later.lateralMs;
        jerkMs += later.jerkMs;
        limitMs += later.limitMs;
        overModerateMs += later.overModerateMs;
        overSeriousMs += later.overSeriousMs;
        overSevereMs += later.overSevereMs;
        nightMs += later.nightMs;
        idleMs += later.idleMs;
        eventCount += later.eventCount;
        brakes += later.brakes;
        accelerations += later.accelerations;
        corners += later.corners;
        stops += later.stops;
        distanceKmhMs += later.distanceKmhMs;
        accelerationSquareMs += later.accelerationSquareMs;
        lateralSquareMs += later.lateralSquareMs;
        jerkSquareMs += later.jerkSquareMs;
        peakDecelerationMps2 = Math.max(peakDecelerationMps2, later.peakDecelerationMps2);
        peakAccelerationMps2 = Math.max(peakAccelerationMps2, later.peakAccelerationMps2);
        peakLateralMps2 = Math.max(peakLateralMps2, later.peakLateralMps2);
        maxSpeedKmh = Math.max(maxSpeedKmh, later.maxSpeedKmh);
    }

    /** Gives the features, in the order of {@link #FEATURES}; NaN where a sensor is missing. */
    double[] features() {
        boolean hasSpeed = speedMs > 0;
        double distanceKm = hasSpeed ? distanceKmhMs / KMH_MS_PER_KM : Double.NaN;
        boolean brakesRated = ratedMs > 0 || brakes > 0;
        boolean accelerationsRated = ratedMs > 0 || accelerations > 0;
        boolean cornersRated = lateralMs > 0 || corners > 0;
        boolean anyRated = brakesRated || accelerationsRated || cornersRated;
        int hardEvents = brakes + accelerations + corners;
        return new double[] {
            durationMs / 1000.0,
            distanceKm,
            ratio(distanceKmhMs, speedMs),
            Math.sqrt(ratio(speedM2, speedMs)),
            hasSpeed ? maxSpeedKmh : Double.NaN,
            anyRated ? hardEvents : Double.NaN,
            brakesRated ? brakes : Double.NaN,
            accelerationsRated ? accelerations : Double.NaN,
            cornersRated ? corners : Double.NaN,
            anyRated && distanceKm >= MIN_RATE_DISTANCE_KM ? hardEvents * 100.0 / distanceKm : Double.NaN,
            ratio(overModerateMs + overSeriousMs + overSevereMs, limitMs),
            ratio(overModerateMs, limitMs),
            ratio(overSeriousMs, limitMs),
            ratio(overSevereMs, limitMs),
            ratio(nightMs, durationMs),
            ratio(idleMs, speedMs),
            hasSpeed ? stops : Double.NaN,
            Double.NaN,
            Math.sqrt(ratio(jerkSquareMs, jerkMs)),
            peak(peakDecelerationMps2, ratedMs),
            peak(peakAccelerationMps2, ratedMs),
            peak(peakLateralMps2, lateralMs),
            Math.sqrt(ratio(accelerationSquareMs, ratedMs)),
            Math.sqrt(ratio(lateralSquareMs, lateralMs)),
        };
    }

    void write(ByteBuffer to) {
        to.putInt(durationMs).putInt(speedMs).putInt(ratedMs).putInt(lateralMs).putInt(jerkMs);
        to.putInt(limitMs).putInt(overModerateMs).putInt(overSeriousMs).putInt(overSevereMs);
        to.putInt(nightMs).putInt(idleMs);
        to.putInt(eventCount).putInt(brakes).putInt(accelerations).putInt(corners).putInt(stops);
        to.putDouble(distanceKmhMs).putDouble(speedMeanKmh).putDouble(speedM2);
        to.putDouble(accelerationSquareMs).putDouble(lateralSquareMs).putDouble(jerkSquareMs);
        to.putDouble(peakDecelerationMps2).putDouble(peakAccelerationMps2).putDouble(peakLateralMps2);
        to.putFloat(maxSpeedKmh);
    }

    static TripSums read(ByteBuffer from) {
        TripSums sums = new TripSums();
        sums.durationMs = from.getInt();
        sums.speedMs = from.getInt();
        sums.ratedMs = from.getInt();
        sums.lateralMs = from.getInt();
        sums.jerkMs = from.getInt();
        sums.limitMs = from.getInt();
        sums.overModerateMs = from.getInt();
        sums.overSeriousMs = from.getInt();
        sums.overSevereMs = from.getInt();
        sums.nightMs = from.getInt();
        sums.idleMs = from.getInt();
        sums.eventCount = from.getInt();
        sums.brakes = from.getInt();
        sums.accelerations = from.getInt();
        sums.corners = from.getInt();
        sums.stops = from.getInt();
        sums.distanceKmhMs = from.getDouble();
        sums.speedMeanKmh = from.getDouble();
        sums.speedM2 = from.getDouble();
        sums.accelerationSquareMs = from.getDouble();
        sums.lateralSquareMs = from.getDouble();
        sums.jerkSquareMs = from.getDouble();
        sums.peakDecelerationMps2 = from.getDouble();
        sums.peakAccelerationMps2 = from.getDouble();
        sums.peakLateralMps2 = from.getDouble();
        sums.maxSpeedKmh = from.getFloat();
        return sums;
    }

    private static double ratio(double part, int wholeMs) {
        return wholeMs > 0 ? part / wholeMs : Double.NaN;
    }

    private static double peak(double peakMps2, int ratedMs) {
        return ratedMs > 0 || peakMps2 > 0 ? peakMps2 : Double.NaN;
    }
}
