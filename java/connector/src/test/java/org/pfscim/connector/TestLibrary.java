package org.pfscim.connector;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** Loads the native library for tests: the debug build, or the library that a new class loader finds. */
final class TestLibrary {

    private TestLibrary() {
    }

    /** Loads the debug build, which has an operation that panics. */
    static void load() throws Exception {
        withProperty(NativeLibrary.PATH_PROPERTY, System.getProperty("org.pfscim.test.library"), () -> {
            NativeConnector.load();
            return null;
        });
    }

    /** Runs an action with a system property, then restores the property. */
    static <T> T withProperty(String property, String value, Callable<T> action) throws Exception {
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

    /** Returns a new class loader. Resources in {@code first} override those of the connector. */
    static URLClassLoader newLoader(File... first) throws MalformedURLException {
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
