package driverscore.streams;

import java.nio.ByteBuffer;

/** One kind of hard event of one trip: threshold, least duration, hysteresis, refractory time. */
final class HardEvent {
    static final int BYTES = Long.BYTES + Integer.BYTES + 2;

    private static final double RELEASE_SHARE = 0.8;
    private static final int REFRACTORY_MS = 2000;
    private static final int MIN_EVENT_MS = 400;

    private long endedMs;
    private int lastedMs;
    private boolean active;
    private boolean counted;

    void end(long atMs) {
        if (active) {
            active = false;
            endedMs = Math.max(endedMs, atMs);
        }
    }

    /** Takes in one tick; returns 1 where an event counts with it, else 0. */
    int observe(double strengthMps2, double thresholdMps2, long fromMs, long untilMs) {
        if (active) {
            if (!(strengthMps2 >= RELEASE_SHARE * thresholdMps2)) {
                end(fromMs);
                return 0;
            }
            lastedMs += (int) (untilMs - fromMs);
        } else if (strengthMps2 >= thresholdMps2 && fromMs - endedMs >= REFRACTORY_MS) {
            active = true;
            counted = false;
            lastedMs = (int) (untilMs - fromMs);
        } else {
            return 0;
        }
        if (!counted && lastedMs >= MIN_EVENT_MS) {
            counted = true;
            return 1;
        }
        return 0;
    }

    /** Takes in an event that the device detected; returns 1 where it is not one that we have. */
    int observeDetected(long atMs, int durationMs) {
        int counts;
        if (active) {
            counts = counted ? 0 : 1;
            counted = true;
        } else {
            counts = atMs - endedMs >= REFRACTORY_MS ? 1 : 0;
        }
        endedMs = Math.max(endedMs, atMs + durationMs);
        return counts;
    }

    void write(ByteBuffer to) {
        to.putLong(endedMs).putInt(lastedMs).put((byte) (active ? 1 : 0)).put((byte) (counted ? 1 : 0));
    }

    static HardEvent read(ByteBuffer from) {
        HardEvent event = new HardEvent();
        event.endedMs = from.getLong();
        event.lastedMs = from.getInt();
        event.active = from.get() == 1;
        event.counted = from.get() == 1;
        return event;
    }
}
