package org.pfscim.host.fake;

/** Another plugin in the same directory. */
public class SecondPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;

    @Override
    public String getId() {
        return "Second";
    }
}
