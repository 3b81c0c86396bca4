package org.pfscim.connector;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateEncodingException;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * Reads the trust anchors for TLS: the default ones of the virtual machine, and PingFederate's <em>Trusted CAs</em>.
 *
 * <p>They are read for each session. A certificate that was imported in the console is trusted from the next session on.
 * A certificate that cannot be read is logged and left out. Then fewer targets are trusted, never more.
 */
final class TrustAnchors {

    /** Class of PingFederate's SDK. Its method is {@code Set<TrustAnchor> getAllTrustAnchors()}. */
    private static final String ACCESSOR = "com.pingidentity.access.TrustedCAAccessor";

    private TrustAnchors() {
    }

    /** Returns the certificates in DER, without duplicates. */
    static List<byte[]> der() {
        Set<X509Certificate> certificates = new LinkedHashSet<>();
        addDefaults(certificates);
        addTrustedCAs(certificates);
        List<byte[]> encoded = new ArrayList<>(certificates.size());
        for (X509Certificate certificate : certificates) {
            try {
                encoded.add(certificate.getEncoded());
            } catch (CertificateEncodingException e) {
                PluginLog.LOG.warn("a trusted certificate cannot be encoded and is left out");
            }
        }
        return encoded;
    }

    private static void addDefaults(Set<X509Certificate> certificates) {
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init((KeyStore) null);
            for (TrustManager manager : factory.getTrustManagers()) {
                if (manager instanceof X509TrustManager) {
                    certificates.addAll(Arrays.asList(((X509TrustManager) manager).getAcceptedIssuers()));
                }
            }
        } catch (GeneralSecurityException | RuntimeException e) {
            PluginLog.LOG.warn("the trusted certificates of the Java virtual machine cannot be read: " + e);
        }
    }

    /** Uses reflection, because the class exists only in PingFederate, and the declarations of the SPI do not contain it. */
    private static void addTrustedCAs(Set<X509Certificate> certificates) {
        try {
            Class<?> type = Class.forName(ACCESSOR, true, TrustAnchors.class.getClassLoader());
            Method method = type.getMethod("getAllTrustAnchors");
            boolean isStatic = Modifier.isStatic(method.getModifiers());
            Object accessor = isStatic ? null : type.getDeclaredConstructor().newInstance();
            Object anchors = method.invoke(accessor);
            if (anchors instanceof Iterable) {
                for (Object anchor : (Iterable<?>) anchors) {
                    Object certificate = anchor instanceof TrustAnchor ? ((TrustAnchor) anchor).getTrustedCert() : anchor;
                    if (certificate instanceof X509Certificate) {
                        certificates.add((X509Certificate) certificate);
                    }
                }
            }
        } catch (ClassNotFoundException e) {
            PluginLog.LOG.debug("PingFederate's Trusted CAs are not read: its SDK is not on the class path");
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            PluginLog.LOG.warn("PingFederate's Trusted CAs cannot be read: " + cause);
        }
    }
}
