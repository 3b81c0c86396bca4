package org.pfscim.host;

import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import com.pingidentity.templates.connection.ConnectionTemplate;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds plugins as the server does: every resource of one well-known name on the class path lists class names, one a
 * line, and each class is instantiated to learn its id.
 */
final class Discovery {
    private static final String PLUGINS = "PF-INF/saas-provisioning-plugin-descriptor";
    private static final String TEMPLATES = "PF-INF/sp-connection-template-descriptor";

    private final ClassLoader loader;

    Discovery(ClassLoader loader) {
        this.loader = loader;
    }

    /** The class of the plugin with that id. Everything else that is deployed must load too, templates included. */
    Class<? extends AbstractSaasPlugin> plugin(String id) throws CannotStart {
        Set<String> names = listed(PLUGINS);
        if (names.isEmpty()) {
            throw new CannotStart("no jar on the class path lists a plugin in " + PLUGINS
                + ": put the connector's jar into the deploy directory");
        }
        Map<String, Class<? extends AbstractSaasPlugin>> plugins = new TreeMap<>();
        for (String name : names) {
            AbstractSaasPlugin plugin = instance(name, AbstractSaasPlugin.class);
            String found = id(plugin);
            if (plugins.put(found, plugin.getClass()) != null) {
                throw new CannotStart("two plugins have the id " + found + ": deploy one of them only");
            }
        }
        for (String name : listed(TEMPLATES)) {
            instance(name, ConnectionTemplate.class);
        }
        Class<? extends AbstractSaasPlugin> found = plugins.get(id);
        if (found == null) {
            throw new CannotStart("no deployed plugin has the id " + id + "; there are " + plugins.keySet());
        }
        return found;
    }

    /** A fresh instance. */
    static AbstractSaasPlugin instance(Class<? extends AbstractSaasPlugin> type) throws CannotStart {
        return new Discovery(type.getClassLoader()).instance(type.getName(), AbstractSaasPlugin.class);
    }

    private static String id(AbstractSaasPlugin plugin) throws CannotStart {
        try {
            return String.valueOf(plugin.getId());
        } catch (RuntimeException | LinkageError failure) {
            throw new CannotStart("the plugin " + plugin.getClass().getName() + " does not tell its id: "
                + Text.oneLine(failure.toString()));
        }
    }

    private <T> T instance(String name, Class<T> expected) throws CannotStart {
        try {
            return expected.cast(Class.forName(name, true, loader).getConstructor().newInstance());
        } catch (ReflectiveOperationException | LinkageError | ClassCastException failure) {
            // What a constructor throws comes wrapped; the reason is inside.
            Throwable reason = failure.getCause() == null ? failure : failure.getCause();
            throw new CannotStart("the class " + name + " cannot be instantiated as a "
                + expected.getSimpleName() + ": " + Text.oneLine(reason.toString()));
        }
    }

    private Set<String> listed(String descriptor) throws CannotStart {
        Set<String> names = new LinkedHashSet<>();
        try {
            for (URL resource : Collections.list(loader.getResources(descriptor))) {
                try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(resource.openStream(), StandardCharsets.UTF_8))) {
                    lines.lines().map(String::trim).filter(line -> !line.isEmpty()).forEach(names::add);
                }
            }
        } catch (IOException unreadable) {
            throw new CannotStart("the resource " + descriptor + " cannot be read: "
                + Text.oneLine(unreadable.toString()));
        }
        return names;
    }
}
