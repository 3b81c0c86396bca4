package org.pfscim.host.fake;

/** A plugin with a field that cannot be serialized. */
public class UnserializablePlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial")
    private final Object handle = new Object();

    @Override
    public String getDescription() {
        return handle.toString();
    }
}
