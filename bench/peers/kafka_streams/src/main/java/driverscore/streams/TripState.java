package driverscore.streams;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What is kept of an open trip: the sums of its window and of all before it, and where they have got to. */
final class TripState {
    private static final int BYTES = 7 * Long.BYTES + 3 * Double.BYTES + 4 * Integer.BYTES + Float.BYTES + 2
            + 3 * HardEvent.BYTES + 2 * TripSums.BYTES;

    private static final int WINDOW_MS = 60_000;
    private static final int MAX_GAP_MS = 10_000;
    private static final int AVERAGING_MS = 450;
    private static final int MAX_TICK_MS = 3000;
    private static final double FAULT_MPS2 = 15.0;
    private static final double IDLE_KMH = 3.0;
    private static final int STOP_MS = 10_000;
    private static final int MINUTES_A_DAY = 1440;
    private static final int NIGHT_FROM_MIN = 23 * 60;
    private static final int NIGHT_UNTIL_MIN = 5 * 60;

    long firstMs;
    long newestMs;
    long windowEndMs;
    int revision;
    TripSums window;

    private long sampleMs;
    private long tickMs;
    private long speedAtMs;
    private long ratedAtMs;
    private double ratedMps2;
    private double accelerationSum;
    private double lateralSum;
    private int accelerationValues;
    private int lateralValues;
    private int standstillMs;
    private float speedKmh;
    private boolean standstillCounted;
    private boolean rated;
    private final HardEvent brake;
    private final HardEvent acceleration;
    private final HardEvent corner;
    private final TripSums closedWindows;

    TripState() {
        this(new HardEvent(), new HardEvent(), new HardEvent(), new TripSums(), new TripSums());
    }

    private TripState(
            HardEvent brake, HardEvent acceleration, HardEvent corner, TripSums window, TripSums closedWindows) {
        this.brake = brake;
        this.acceleration = acceleration;
        this.corner = corner;
        this.window = window;
        this.closedWindows = closedWindows;
    }

    boolean startsWindow(TripEvent event) {
        return event.timestampMs >= windowEndMs;
    }

    /** Gives the sums of the whole trip so far. */
    TripSums trip() {
        TripSums trip = new TripSums();
        trip.merge(closedWindows);
        trip.merge(window);
        return trip;
    }

    /** Makes the window part of the trip, and begins the one that the event lies in. */
    void startWindow(TripEvent event) {
        closedWindows.merge(window);
        window = new TripSums();
        windowEndMs = (event.timestampMs / WINDOW_MS + 1) * WINDOW_MS;
    }

    long windowStartMs() {
        return windowEndMs - WINDOW_MS;
    }

    /** Adds an event that is newer than all before. */
    void fold(TripEvent event) {
        long nowMs = event.timestampMs;
        if (firstMs == 0) {
            firstMs = nowMs;
        }
        newestMs = nowMs;
        long intervalMs = nowMs - sampleMs;
        if (intervalMs > MAX_GAP_MS) {
            brake.end(sampleMs);
            acceleration.end(sampleMs);
            corner.end(sampleMs);
        }
        window.eventCount++;
        foldReport(event);
        if (!event.measuresMotion()) {
            return;
        }
        if (intervalMs > MAX_GAP_MS) {
            rated = false;
            startTick(nowMs);
        } else {
            addTime(event, (int) intervalMs);
            collect(event);
        }
        sampleMs = nowMs;
        if (!Float.isNaN(event.speedKmh)) {
            foldSpeed(event);
        }
    }

    private void foldReport(TripEvent event) {
        double peak = Float.isNaN(event.peakMps2) ? 0.0 : Math.abs(event.peakMps2);
        switch (event.type) {
            case HARD_BRAKE -> {
                window.brakes += brake.observeDetected(event.timestampMs, event.durationMs);
                window.peakDecelerationMps2 = Math.max(window.peakDecelerationMps2, peak);
            }
            case HARD_ACCELERATION -> {
                window.accelerations += acceleration.observeDetected(event.timestampMs, event.durationMs);
                window.peakAccelerationMps2 = Math.max(window.peakAccelerationMps2, peak);
            }
            case HARD_CORNER -> {
                window.corners += corner.observeDetected(event.timestampMs, event.durationMs);
                window.peakLateralMps2 = Math.max(window.peakLateralMps2, peak);
            }
            default -> { }
        }
    }

    private void addTime(TripEvent event, int intervalMs) {
        window.durationMs += intervalMs;
        long minute = Math.floorMod(event.timestampMs / 60_000 + event.utcOffsetMin, MINUTES_A_DAY);
        if (minute >= NIGHT_FROM_MIN || minute < NIGHT_UNTIL_MIN) {
            window.nightMs += intervalMs;
        }
    }

    private void startTick(long nowMs) {
        tickMs = nowMs;
        accelerationSum = 0.0;
        accelerationValues = 0;
        lateralSum = 0.0;
        lateralValues = 0;
    }

    private void collect(TripEvent event) {
        if (Math.abs(event.accelerationMps2) <= FAULT_MPS2) {
            accelerationSum += event.accelerationMps2;
            accelerationValues++;
        }
        if (Math.abs(event.lateralMps2) <= FAULT_MPS2) {
            lateralSum += event.lateralMps2;
            lateralValues++;
        }
        int spanMs = (int) (event.timestampMs - tickMs);
        if (spanMs >= AVERAGING_MS) {
            boolean usable = spanMs <= MAX_TICK_MS;
            rate(
                    event.vehicleClass,
                    usable && accelerationValues > 0 ? accelerationSum / accelerationValues : Double.NaN,
                    usable && lateralValues > 0 ? lateralSum / lateralValues : Double.NaN,
                    event.timestampMs,
                    spanMs);
            startTick(event.timestampMs);
        }
    }

    private void rate(TripEvent.VehicleClass limits, double longitudinal, double lateral, long nowMs, int spanMs) {
        window.brakes += brake.observe(-longitudinal, limits.brakeMps2, tickMs, nowMs);
        window.accelerations += acceleration.observe(longitudinal, limits.accelerationMps2, tickMs, nowMs);
        window.corners += corner.observe(Math.abs(lateral), limits.cornerMps2, tickMs, nowMs);
        if (!Double.isNaN(longitudinal)) {
            window.ratedMs += spanMs;
            window.accelerationSquareMs += longitudinal * longitudinal * spanMs;
            window.peakDecelerationMps2 = Math.max(window.peakDecelerationMps2, -longitudinal);
            window.peakAccelerationMps2 = Math.max(window.peakAccelerationMps2, longitudinal);
            int elapsedMs = (int) (nowMs - ratedAtMs);
            if (rated && elapsedMs <= MAX_TICK_MS) {
                double jerk = (longitudinal - ratedMps2) / (elapsedMs / 1000.0);
                window.jerkMs += elapsedMs;
                window.jerkSquareMs += jerk * jerk * elapsedMs;
            }
            rated = true;
            ratedAtMs = nowMs;
            ratedMps2 = longitudinal;
        }
        if (!Double.isNaN(lateral)) {
            window.lateralMs += spanMs;
            window.lateralSquareMs += lateral * lateral * spanMs;
            window.peakLateralMps2 = Math.max(window.peakLateralMps2, Math.abs(lateral));
        }
    }

    private void foldSpeed(TripEvent event) {
        long elapsedMs = event.timestampMs - speedAtMs;
        if (elapsedMs > MAX_GAP_MS) {
            endStandstill();
        } else {
            addDriven(event, (int) elapsedMs);
        }
        window.maxSpeedKmh = Math.max(window.maxSpeedKmh, event.speedKmh);
        speedAtMs = event.timestampMs;
        speedKmh = event.speedKmh;
    }

    private void addDriven(TripEvent event, int intervalMs) {
        double meanKmh = (speedKmh + (double) event.speedKmh) / 2.0;
        window.addSpeeds(speedKmh, event.speedKmh, intervalMs);
        window.distanceKmhMs += meanKmh * intervalMs;
        if (meanKmh < IDLE_KMH) {
            window.idleMs += intervalMs;
            standstillMs += intervalMs;
            if (!standstillCounted && standstillMs >= STOP_MS) {
                standstillCounted = true;
                window.stops++;
            }
        } else {
            endStandstill();
        }
        if (!Float.isNaN(event.speedLimitKmh)) {
            window.limitMs += intervalMs;
            double excessKmh = meanKmh - event.speedLimitKmh;
            if (excessKmh > 30) {
                window.overSevereMs += intervalMs;
            } else if (excessKmh > 15) {
                window.overSeriousMs += intervalMs;
            } else if (excessKmh > 5) {
                window.overModerateMs += intervalMs;
            }
        }
    }

    private void endStandstill() {
        standstillMs = 0;
        standstillCounted = false;
    }

    /** Gives the serde of the store and its changelog: fields of fixed size, one behind the other. */
    static Serde<TripState> serde() {
        return Serdes.serdeFrom((topic, state) -> state == null ? null : state.toBytes(), (topic, bytes) -> of(bytes));
    }

    private byte[] toBytes() {
        ByteBuffer to = ByteBuffer.allocate(BYTES);
        brake.write(to);
        acceleration.write(to);
        corner.write(to);
        window.write(to);
        closedWindows.write(to);
        to.putLong(firstMs).putLong(newestMs).putLong(windowEndMs);
        to.putLong(sampleMs).putLong(tickMs).putLong(speedAtMs).putLong(ratedAtMs);
        to.putDouble(ratedMps2).putDouble(accelerationSum).putDouble(lateralSum);
        to.putInt(revision).putInt(accelerationValues).putInt(lateralValues).putInt(standstillMs);
        to.putFloat(speedKmh).put((byte) (standstillCounted ? 1 : 0)).put((byte) (rated ? 1 : 0));
        return to.array();
    }

    private static TripState of(byte[] bytes) {
        if (bytes == null) {
            return null;
        }
        ByteBuffer from = ByteBuffer.wrap(bytes);
        TripState state = new TripState(
                HardEvent.read(from), HardEvent.read(from), HardEvent.read(from),
                TripSums.read(from), TripSums.read(from));
        state.firstMs = from.getLong();
        state.newestMs = from.getLong();
        state.windowEndMs = from.getLong();
        state.sampleMs = from.getLong();
        state.tickMs = from.getLong();
        state.speedAtMs = from.getLong();
        state.ratedAtMs = from.getLong();
        state.ratedMps2 = from.getDouble();
        state.accelerationSum = from.getDouble();
        state.lateralSum = from.getDouble();
        state.revision = from.getInt();
        state.accelerationValues = from.getInt();
        state.lateralValues = from.getInt();
        state.standstillMs = from.getInt();
        state.speedKmh = from.getFloat();
        state.standstillCounted = from.get() == 1;
        state.rated = from.get() == 1;
        return state;
    }
}
