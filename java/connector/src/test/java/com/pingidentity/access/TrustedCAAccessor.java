package com.pingidentity.access;

import java.security.cert.TrustAnchor;
import java.util.Collections;
import java.util.Set;

/** Stands in for the class of PingFederate's SDK: what the test puts here are the Trusted CAs. */
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
