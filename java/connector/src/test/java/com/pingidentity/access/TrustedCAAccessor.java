package com.pingidentity.access;

import java.security.cert.TrustAnchor;
import java.util.Collections;
import java.util.Set;

/** Replaces the class of PingFederate's SDK. A test sets the Trusted CAs here. */
public class TrustedCAAccessor {

    public static Set<TrustAnchor> anchors = Collections.emptySet();
    public static RuntimeException failure;

    public Set<TrustAnchor> getAllTrustAnchors() {
        if (failure != null) {
            throw failure;
        }
        return anchors;
    }
}
