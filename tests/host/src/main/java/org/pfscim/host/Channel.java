package org.pfscim.host;

import com.pingidentity.provisioner.mapping.FieldInfo;
import com.pingidentity.provisioner.saas.SaasException;
import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import com.pingidentity.provisioner.sdk.AbstractSaasPluginWithGroups;
import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.conf.SimpleFieldList;

/**
 * Handles the calls of a channel with calls of the SPI on its plugin.
 *
 * <p>{@code init}, {@code check} and {@code close} run one at a time, while no user or group call runs except abandoned ones.
 * User and group calls run on many threads.
 */
final class Channel implements Service {
    private final Class<? extends AbstractSaasPlugin> type;
    private final Modes modes;
    private final Map<String, Request.Handler> handlers = new LinkedHashMap<>();
    private final Map<String, SaasUserData> lastReadUsers = new ConcurrentHashMap<>();
    private final AtomicInteger nextPlugin = new AtomicInteger();

    private volatile List<AbstractSaasPlugin> plugins = new ArrayList<>();
    private volatile boolean open;
    private volatile String sessionArgs = "";

    Channel(Class<? extends AbstractSaasPlugin> type, Modes modes) {
        this.type = type;
        this.modes = modes;
        handlers.put("init", this::init);
        handlers.put("check", this::check);
        handlers.put("close", this::close);
        handlers.put("settings", this::settings);
        handlers.put("fields", this::fields);
        handlers.put("getUser", this::getUser);
        handlers.put("createUser", this::createUser);
        handlers.put("updateUser", this::updateUser);
        handlers.put("deprovisionUser", this::deprovisionUser);
        handlers.put("doesGroupExist", this::doesGroupExist);
        handlers.put("createGroup", this::createGroup);
        handlers.put("updateGroup", this::updateGroup);
        handlers.put("deleteGroup", this::deleteGroup);
    }

    @Override
    public Request.Handler handler(String call) {
        return handlers.get(call);
    }

    @Override
    public boolean isOperation(String call) {
        return call.endsWith("User") || call.contains("Group");
    }

    @Override
    public void closeSession() throws SaasException {
        if (open) {
            open = false;
            for (AbstractSaasPlugin plugin : plugins) {
                plugin.stopSession();
            }
        }
    }

    private Args init(Request request) throws Exception {
        String args = request.args().encode();
        if (modes.initPerCycle() || !open || !args.equals(sessionArgs)) {
            closeSession();
            start(request.args());
            sessionArgs = args;
        }
        return facts(plugins.get(0));
    }

    private void start(Args args) throws Exception {
        lastReadUsers.clear();
        if (plugins.isEmpty()) {
            plugins = newPlugins();
        }
        List<Field> parameters = new ArrayList<>();
        args.withPrefix("p.").forEach((name, values) -> parameters.add(new Field(name, values.get(0))));
        int channel = args.get("channel") == null ? 1 : Integer.parseInt(args.get("channel"));
        for (AbstractSaasPlugin plugin : plugins) {
            configure(plugin, channel, parameters);
            plugin.startSession();
            open = true;
        }
        if (modes.serializes()) {
            plugins = serializedCopies(channel, parameters);
        }
    }

    private List<AbstractSaasPlugin> newPlugins() throws Exception {
        List<AbstractSaasPlugin> created = new ArrayList<>();
        for (int i = 0; i < modes.instances(); i++) {
            AbstractSaasPlugin plugin = Discovery.instance(type);
            if (modes.listsFieldsEarly()) {
                plugin.getConnectionParameterDescriptors();
                List<? extends FieldInfo> fields = plugin.getFieldInfo();
                if (fields == null || fields.isEmpty()) {
                    throw new Violation("without parameters the plugin lists no fields");
                }
            }
            created.add(plugin);
        }
        return created;
    }

    private static void configure(AbstractSaasPlugin plugin, int channel, List<Field> parameters) {
        plugin.setChannelId(channel);
        plugin.setParameters(new SimpleFieldList(new ArrayList<>(parameters)));
    }

    /**
     * Returns a serialized copy of each plugin, taken while its session is open. The base class does not serialize its
     * fields, so the copy gets the parameters again. The host starts no session for a copy: the plugin must open it itself.
     */
    private List<AbstractSaasPlugin> serializedCopies(int channel, List<Field> parameters) throws Exception {
        List<AbstractSaasPlugin> copies = new ArrayList<>();
        for (AbstractSaasPlugin plugin : plugins) {
            AbstractSaasPlugin copy = copy(plugin);
            plugin.stopSession();
            configure(copy, channel, parameters);
            copies.add(copy);
        }
        return copies;
    }

    private static AbstractSaasPlugin copy(AbstractSaasPlugin plugin) throws IOException, ClassNotFoundException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(plugin);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())) {
            @Override
            protected Class<?> resolveClass(ObjectStreamClass description) throws ClassNotFoundException {
                return Class.forName(description.getName(), false, plugin.getClass().getClassLoader());
            }
        }) {
            return (AbstractSaasPlugin) in.readObject();
        }
    }

    /** Returns the properties of a plugin that the server reads before it reads the directory. */
    private static Args facts(AbstractSaasPlugin plugin) {
        Args facts = new Args().addIfPresent("usernameField", plugin.getSaasUsernameFieldCode());
        if (plugin instanceof AbstractSaasPluginWithGroups) {
            AbstractSaasPluginWithGroups withGroups = (AbstractSaasPluginWithGroups) plugin;
            facts.add("groups", withGroups.isConfiguredForGroups()).add("dn", withGroups.isUsingDnAsGroupName());
        } else {
            facts.add("groups", false);
        }
        return facts;
    }

    private Args check(Request request) throws SaasException {
        if (!modes.skipsCheck()) {
            plugin().checkSession();
        }
        return new Args();
    }

    private Args close(Request request) throws SaasException {
        if (modes.initPerCycle()) {
            closeSession();
        }
        return new Args();
    }

    private Args settings(Request request) throws Exception {
        return new Args().add("json", Descriptors.settings(consolePlugin().getParameterDescriptors()));
    }

    private Args fields(Request request) throws Exception {
        List<? extends FieldInfo> fields = consolePlugin().getFieldInfo();
        return new Args().add("json", Descriptors.fields(fields));
    }

    /** Returns a plugin for the console: one with a session, or a new one without parameters. */
    private AbstractSaasPlugin consolePlugin() throws Exception {
        if (plugins.isEmpty()) {
            AbstractSaasPlugin created = Discovery.instance(type);
            return modes.serializes() ? copy(created) : created;
        }
        return plugin();
    }

    private Args getUser(Request request) throws SaasException {
        SaasUserData user = plugin().getUser(request.args().get("guid"), request.args().get("username"));
        Args response = Records.args(user);
        if (user != null) {
            lastReadUsers.put(user.getSaasUserGuid(), user);
        }
        return response;
    }

    private Args createUser(Request request) throws SaasException {
        return id(plugin().createUser(Records.user(request.args())));
    }

    private Args updateUser(Request request) throws SaasException {
        SaasUserData updated = Records.user(request.args());
        return id(plugin().updateUser(existing(updated), updated));
    }

    private Args deprovisionUser(Request request) throws SaasException {
        SaasUserData updated = Records.user(request.args());
        if (modes.removesByUpdate()) {
            updated.setAccountEnabled(false);
            return id(plugin().updateUser(existing(updated), updated));
        }
        return id(plugin().deprovisionUser(existing(updated), updated));
    }

    private SaasUserData existing(SaasUserData updated) {
        if (updated.getSaasUserGuid() == null) {
            throw new IllegalArgumentException("the call needs the id of the user");
        }
        return Records.existing(lastReadUsers.get(updated.getSaasUserGuid()), updated, modes.existingIsIdOnly());
    }

    private Args doesGroupExist(Request request) throws SaasException {
        SaasGroupData group = Records.group(request.args());
        boolean exists = withGroups().doesGroupExist(group);
        return guid(new Args().add("exists", exists), group);
    }

    private Args createGroup(Request request) throws SaasException {
        SaasGroupData group = Records.group(request.args());
        return guid(id(withGroups().createGroup(group)), group);
    }

    private Args updateGroup(Request request) throws SaasException {
        SaasGroupData group = Records.group(request.args());
        return guid(id(withGroups().updateGroup(group, request.args().flag("merge", false))), group);
    }

    private Args deleteGroup(Request request) throws SaasException {
        SaasGroupData group = Records.group(request.args());
        withGroups().deleteGroup(group);
        return guid(new Args(), group);
    }

    private static Args id(String id) {
        return new Args().addIfPresent("id", Records.id(id));
    }

    private static Args guid(Args args, SaasGroupData group) {
        return args.addIfPresent("guid", Records.id(group.getGuid()));
    }

    private AbstractSaasPluginWithGroups withGroups() {
        AbstractSaasPlugin plugin = plugin();
        if (plugin instanceof AbstractSaasPluginWithGroups) {
            return (AbstractSaasPluginWithGroups) plugin;
        }
        throw new IllegalArgumentException("the plugin does not support groups");
    }

    /** Returns the plugin. If the channel has several, each call gets the next one. */
    private AbstractSaasPlugin plugin() {
        List<AbstractSaasPlugin> all = plugins;
        if (all.isEmpty()) {
            throw new IllegalStateException("the channel is not initialized; call init first");
        }
        return all.get(Math.floorMod(nextPlugin.getAndIncrement(), all.size()));
    }
}
