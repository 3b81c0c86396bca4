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
 * Finds plugins as the server does. Each descriptor resource on the class path lists class names, one per line. Each class is
 * instantiated to get its id.
 */
final class Discovery {
    private static final String PLUGINS = "PF-INF/saas-provisioning-plugin-descriptor";
    private static final String TEMPLATES = "PF-INF/sp-connection-template-descriptor";

    private final ClassLoader loader;

    Discovery(ClassLoader loader) {
        this.loader = loader;
    }

    /** Returns the class of the plugin with this id. All other deployed plugins and templates must load too. */
    Class<? extends AbstractSaasPlugin> plugin(String id) throws HostException {
        Set<String> names = classNames(PLUGINS);
        if (names.isEmpty()) {
            throw new HostException("no jar on the class path lists a plugin in " + PLUGINS
                + "; put the connector's jar into the deploy folder");
        }
        Map<String, Class<? extends AbstractSaasPlugin>> plugins = new TreeMap<>();
        for (String name : names) {
            AbstractSaasPlugin plugin = instance(name, AbstractSaasPlugin.class);
            String pluginId = id(plugin);
            if (plugins.put(pluginId, plugin.getClass()) != null) {
                throw new HostException("two plugins have the id " + pluginId + "; deploy only one of them");
            }
        }
        for (String name : classNames(TEMPLATES)) {
            instance(name, ConnectionTemplate.class);
        }
        Class<? extends AbstractSaasPlugin> type = plugins.get(id);
        if (type == null) {
            throw new HostException("no deployed plugin has the id " + id + ", only " + plugins.keySet()
                + "; put the connector's jar into the deploy folder");
        }
        return type;
    }

    /** Creates a plugin. */
    static AbstractSaasPlugin instance(Class<? extends AbstractSaasPlugin> type) throws HostException {
        return new Discovery(type.getClassLoader()).instance(type.getName(), AbstractSaasPlugin.class);
    }

    private static String id(AbstractSaasPlugin plugin) throws HostException {
        try {
            return String.valueOf(plugin.getId());
        } catch (RuntimeException | LinkageError failure) {
            throw new HostException("the plugin " + plugin.getClass().getName() + " does not return its id: "
                + Text.oneLine(failure.toString()));
        }
    }

    private <T> T instance(String name, Class<T> expected) throws HostException {
        try {
            return expected.cast(Class.forName(name, true, loader).getConstructor().newInstance());
        } catch (ReflectiveOperationException | LinkageError | ClassCastException failure) {
            // Reflection wraps an exception of the constructor.
            Throwable reason = failure.getCause() == null ? failure : failure.getCause();
            throw new HostException("the class " + name + " cannot be instantiated as a "
                + expected.getSimpleName() + ": " + Text.oneLine(reason.toString()));
        }
    }

    private Set<String> classNames(String descriptor) throws HostException {
        Set<String> names = new LinkedHashSet<>();
        try {
            for (URL resource : Collections.list(loader.getResources(descriptor))) {
                try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(resource.openStream(), StandardCharsets.UTF_8))) {
                    lines.lines().map(String::trim).filter(line -> !line.isEmpty()).forEach(names::add);
                }
            }
        } catch (IOException unreadable) {
            throw new HostException("the resource " + descriptor + " cannot be read: "
                + Text.oneLine(unreadable.toString()));
        }
        return names;
    }
}
