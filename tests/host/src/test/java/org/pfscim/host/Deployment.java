package org.pfscim.host;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes descriptor files to a folder that is on the class path before the classes of the tests. */
final class Deployment {
    private static final String PLUGINS = "saas-provisioning-plugin-descriptor";
    private static final String TEMPLATES = "sp-connection-template-descriptor";

    private final Path root;

    Deployment(Path root) {
        this.root = root;
    }

    /** Writes the descriptor of plugins. */
    Deployment plugins(String text) throws IOException {
        return write(PLUGINS, text);
    }

    /** Writes the descriptor of connection templates. */
    Deployment templates(String text) throws IOException {
        return write(TEMPLATES, text);
    }

    ClassLoader loader() throws IOException {
        return new URLClassLoader(new URL[] {root.toUri().toURL()}, Deployment.class.getClassLoader());
    }

    private Deployment write(String name, String text) throws IOException {
        Path folder = Files.createDirectories(root.resolve("PF-INF"));
        Files.write(folder.resolve(name), text.getBytes(StandardCharsets.UTF_8));
        return this;
    }
}
