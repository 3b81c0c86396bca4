package org.pfscim.connector;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import com.pingidentity.access.TrustedCAAccessor;
import java.io.ByteArrayInputStream;
import java.security.cert.CertificateFactory;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.After;
import org.junit.Test;

public class TrustAnchorsTest {

    /** A self-signed certificate for this test. Its private key was deleted. */
    private static final byte[] CERTIFICATE = Base64.getDecoder().decode(
        "MIIBkTCCATegAwIBAgIUQAj9TRuTaocHAwqKg4U/b6BtncswCgYIKoZIzj0EAwIwHTEbMBkGA1UEAwwScGZzY2ltIHRlc3QgYW5j"
        + "aG9yMCAXDTI2MTEyMzAzMjMzM1oYDzIxMjYxMDMwMDMyMzMzWjAdMRswGQYDVQQDDBJwZnNjaW0gdGVzdCBhbmNob3IwWTATBgcq"
        + "hkjOPQIBBggqhkjOPQMBBwNCAAStjIiOYoA7YhzGRaUQPs/KA+9pBfkf5A2Qo894YDAQYgSuxw2/6OxhZtzdRQH5Pj3NAkRfyG0b"
        + "JvMf4P/ZC38Oo1MwUTAdBgNVHQ4EFgQUrSrnRMmH8ZY5p6Y4l4S2ibg8vaYwHwYDVR0jBBgwFoAUrSrnRMmH8ZY5p6Y4l4S2ibg8"
        + "vaYwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAi/ZweUWV8LDfbkbCbHiRt/joioGszXPd/bextTEbiooCIGVJ"
        + "Mp14NFT1ENeemLHI5npQJ5QATGBk+wZFP0dLhqfY");

    @After
    public void reset() {
        TrustedCAAccessor.anchors = Collections.emptySet();
        TrustedCAAccessor.failure = null;
    }

    @Test
    public void the_anchors_of_the_virtual_machine_are_included() {
        assertFalse(TrustAnchors.der().isEmpty());
    }

    @Test
    public void trusted_cas_are_added_and_counted_once() throws Exception {
        List<byte[]> before = TrustAnchors.der();
        Set<TrustAnchor> anchors = new HashSet<>();
        anchors.add(new TrustAnchor(certificate(CERTIFICATE), null));
        anchors.add(new TrustAnchor(certificate(before.get(0)), null));
        TrustedCAAccessor.anchors = anchors;
        List<byte[]> after = TrustAnchors.der();
        assertEquals(before.size() + 1, after.size());
        assertArrayEquals(CERTIFICATE, after.get(after.size() - 1));
    }

    @Test
    public void trusted_cas_that_cannot_be_read_are_left_out_with_a_warning() throws Exception {
        List<byte[]> before = TrustAnchors.der();
        TrustedCAAccessor.failure = new IllegalStateException("not started yet");
        List<String> logged = LogLines.of(() -> assertEquals(before.size(), TrustAnchors.der().size()));
        assertTrue(logged.toString(), logged.stream().collect(Collectors.joining()).contains("not started yet"));
    }

    private static X509Certificate certificate(byte[] der) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }
}
