import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * Accepts what Amazon's signer makes for Amazon MSK: a signed request to connect, of the access key of the tests. It does
 * not check the signature, which only Amazon can.
 */
public class MskTokenHandler implements AuthenticateCallbackHandler {
    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {}

    @Override
    public void close() {}

    @Override
    public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
        for (Callback callback : callbacks) {
            if (callback instanceof OAuthBearerValidatorCallback asked) {
                check(asked);
            } else if (callback instanceof OAuthBearerExtensionsValidatorCallback asked) {
                asked.inputExtensions().map().keySet().forEach(asked::valid);
            } else {
                throw new UnsupportedCallbackException(callback);
            }
        }
    }

    private static void check(OAuthBearerValidatorCallback asked) {
        String request = new String(Base64.getUrlDecoder().decode(asked.tokenValue()), StandardCharsets.UTF_8);
        boolean isSigned = request.startsWith("https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect")
            && request.contains("X-Amz-Credential=AKIADRIVERSCORE%2F")
            && request.contains("X-Amz-Signature=");
        if (isSigned) {
            asked.token(new Token(asked.tokenValue()));
        } else {
            asked.error("not a request of Amazon's signer", null, null);
        }
    }

    private record Token(String value) implements OAuthBearerToken {
        @Override
        public Set<String> scope() {
            return Set.of();
        }

        @Override
        public long lifetimeMs() {
            return System.currentTimeMillis() + 900_000;
        }

        @Override
        public String principalName() {
            return "msk-role";
        }

        @Override
        public Long startTimeMs() {
            return System.currentTimeMillis();
        }
    }
}
