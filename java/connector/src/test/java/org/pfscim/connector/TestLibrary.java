package org.pfscim.connector;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** The native library as tests meet it: a debug build for this class loader, or whatever a fresh class loader finds. */
final class TestLibrary {

    private TestLibrary() {
    }

    /** Loads the debug build, which can be asked to panic. */
    static void load() throws Exception {
        with(NativeLibrary.PATH, System.getProperty("org.pfscim.test.library"), () -> {
            NativeConnector.load();
            return null;
        });
    }

    /** Runs with a system property set, and puts it back. */
    static <T> T with(String property, String value, Callable<T> action) throws Exception {
        String before = System.getProperty(property);
        System.setProperty(property, value);
        try {
            return action.call();
        } finally {
            if (before == null) {
                System.clearProperty(property);
            } else {
                System.setProperty(property, before);
            }
        }
    }

    /** A class loader that has loaded nothing yet; what is in {@code first} comes before the connector's own resources. */
    static URLClassLoader fresh(File... first) throws MalformedURLException {
        List<URL> urls = new ArrayList<>();
        for (File file : first) {
            urls.add(file.toURI().toURL());
        }
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(new File(entry).toURI().toURL());
        }
        return new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getSystemClassLoader().getParent());
    }
}
