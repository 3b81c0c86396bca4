package org.pfscim.host.fake;

/** A plugin whose constructor fails. */
public class FailingPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;

    public FailingPlugin() {
        throw new IllegalStateException("no\nlibrary");
    }
}
