package org.pfscim.host.fake;

/** A plugin that holds something that cannot be written out. */
public class ClingingPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial")
    private final Object handle = new Object();

    @Override
    public String getDescription() {
        return handle.toString();
    }
}
