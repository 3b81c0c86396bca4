package org.pfscim.host.fake;

/** A plugin without a public constructor. */
public class NonPublicPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;

    NonPublicPlugin() {
    }
}
