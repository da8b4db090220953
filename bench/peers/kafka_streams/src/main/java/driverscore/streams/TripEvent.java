package driverscore.streams;

/** One sample of one trip; a measurement that was not sent is NaN. */
final class TripEvent {
    /** What a device says of a sample. */
    enum Type {
        SAMPLE, TRIP_START, TRIP_END, HARD_BRAKE, HARD_ACCELERATION, HARD_CORNER, PHONE_USE, SPEEDING;
    }

    /** Accelerations from which driving is hard, m/s², as the profile {@code default-v2} has them. */
    enum VehicleClass {
        CAR(3.0, 3.0, 3.5), VAN(2.9, 2.7, 3.2), TRUCK(2.5, 2.0, 2.5), BUS(2.2, 1.8, 2.2), MOTORCYCLE(3.5, 3.5, 4.0);

        final double brakeMps2;
        final double accelerationMps2;
        final double cornerMps2;

        VehicleClass(double brakeMps2, double accelerationMps2, double cornerMps2) {
            this.brakeMps2 = brakeMps2;
            this.accelerationMps2 = accelerationMps2;
            this.cornerMps2 = cornerMps2;
        }
    }

    String tripId;
    String vehicleId;
    String driverId;
    String clientId;
    VehicleClass vehicleClass = VehicleClass.CAR;
    Type type = Type.SAMPLE;
    long timestampMs = Long.MIN_VALUE;
    int utcOffsetMin;
    float speedKmh = Float.NaN;
    float accelerationMps2 = Float.NaN;
    float lateralMps2 = Float.NaN;
    float speedLimitKmh = Float.NaN;
    float peakMps2 = Float.NaN;
    int durationMs;

    boolean measuresMotion() {
        return !(Float.isNaN(speedKmh) && Float.isNaN(accelerationMps2) && Float.isNaN(lateralMps2));
    }
}
