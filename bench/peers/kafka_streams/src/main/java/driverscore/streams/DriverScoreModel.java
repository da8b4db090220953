package driverscore.streams;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The model of a folder, {@code model.onnx} and {@code model.json}; all threads share it. */
final class DriverScoreModel {
    /** A calibrated risk and the points it is worth. */
    record Score(double risk, double score, String band) { }

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final List<Input> inputs = new ArrayList<>();
    private final String name;
    private final String version;
    private final double offset;
    private final double pointsPerLogit;
    private final double lowFrom;
    private final double moderateFrom;

    DriverScoreModel(Path folder) throws IOException, OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        session = environment.createSession(folder.resolve("model.onnx").toString(), options);
        JsonNode metadata = new ObjectMapper().readTree(folder.resolve("model.json").toFile());
        List<String> features = new ArrayList<>();
        metadata.path("feature_names").forEach(feature -> features.add(feature.asText()));
        if (!features.equals(Arrays.asList(TripSums.FEATURES))) {
            throw new IOException("the model of " + folder + " has other features: " + features);
        }
        metadata.path("inputs").forEach(input -> inputs.add(Input.of(input, features)));
        name = metadata.path("name").asText();
        version = metadata.path("version").asText();
        offset = metadata.path("scaling").path("offset").asDouble();
        pointsPerLogit = metadata.path("scaling").path("points_per_logit").asDouble();
        lowFrom = metadata.path("bands").path("low_from").asDouble();
        moderateFrom = metadata.path("bands").path("moderate_from").asDouble();
    }

    String name() {
        return name;
    }

    String version() {
        return version;
    }

    /** Scores rows of features, in one call of ONNX Runtime. */
    Score[] score(double[]... rows) throws OrtException {
        FloatBuffer matrix = FloatBuffer.allocate(rows.length * inputs.size());
        for (double[] features : rows) {
            for (Input input : inputs) {
                matrix.put(input.derive(features));
            }
        }
        long[] shape = {rows.length, inputs.size()};
        try (OnnxTensor tensor = OnnxTensor.createTensor(environment, matrix.flip(), shape);
                OrtSession.Result result = session.run(Map.of("inputs", tensor), Set.of("risk", "logit"))) {
            double[] risks = (double[]) result.get("risk").orElseThrow().getValue();
            double[] logits = (double[]) result.get("logit").orElseThrow().getValue();
            Score[] scores = new Score[rows.length];
            for (int row = 0; row < rows.length; row++) {
                double score = Math.max(0.0, Math.min(100.0, offset - pointsPerLogit * logits[row]));
                String band = score >= lowFrom ? "low" : score >= moderateFrom ? "moderate" : "high";
                scores[row] = new Score(risks[row], score, band);
            }
            return scores;
        }
    }

    /** One input of the graph, drawn from features as {@code scoring/model/inputs.py} does it. */
    private record Input(
            String kind, int[] sources, boolean unknownIsNone, double priorExposure, double prior, double cap) {

        static Input of(JsonNode described, List<String> features) {
            JsonNode sources = described.path("sources");
            int[] columns = new int[sources.size()];
            Arrays.setAll(columns, place -> features.indexOf(sources.get(place).asText()));
            return new Input(
                    described.path("kind").asText(),
                    columns,
                    described.path("unknown_is_none").asBoolean(),
                    described.path("prior_exposure").asDouble(),
                    described.path("prior").asDouble(),
                    described.path("cap").asDouble());
        }

        float derive(double[] features) {
            double total = 0.0;
            for (int source : sources) {
                total += features[source];
            }
            if (unknownIsNone && Double.isNaN(total)) {
                total = 0.0;
            }
            double derived = switch (kind) {
                case "per_100km" -> 100.0 * (total + priorExposure * prior)
                        / (features[TripSums.DISTANCE_KM] + priorExposure);
                case "share" -> (total * features[TripSums.DURATION_S] + priorExposure * prior)
                        / (features[TripSums.DURATION_S] + priorExposure);
                default -> total;
            };
            return (float) Math.min(derived, cap);
        }
    }
}
