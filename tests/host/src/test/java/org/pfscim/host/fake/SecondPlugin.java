package org.pfscim.host.fake;

/** A plugin with another id. */
public class SecondPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;

    @Override
    public String getId() {
        return "Second";
    }
}
