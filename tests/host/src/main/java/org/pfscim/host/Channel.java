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
 * One channel and the plugin that it owns: what each call of the protocol is in calls of the SPI.
 *
 * <p>{@code init}, {@code check} and {@code close} come one at a time with no user or group call under way, but for those
 * that have been given up; user and group calls come on many threads.
 */
final class Channel implements Calls {
    private final Class<? extends AbstractSaasPlugin> type;
    private final Modes modes;
    private final Map<String, Call.Work> calls = new LinkedHashMap<>();
    private final Map<String, SaasUserData> lastRead = new ConcurrentHashMap<>();
    private final AtomicInteger turn = new AtomicInteger();

    private volatile List<AbstractSaasPlugin> plugins = new ArrayList<>();
    private volatile boolean open;
    private volatile String started = "";

    Channel(Class<? extends AbstractSaasPlugin> type, Modes modes) {
        this.type = type;
        this.modes = modes;
        calls.put("init", this::init);
        calls.put("check", this::check);
        calls.put("close", this::close);
        calls.put("settings", this::settings);
        calls.put("fields", this::fields);
        calls.put("getUser", this::getUser);
        calls.put("createUser", this::createUser);
        calls.put("updateUser", this::updateUser);
        calls.put("deprovisionUser", this::deprovisionUser);
        calls.put("doesGroupExist", this::doesGroupExist);
        calls.put("createGroup", this::createGroup);
        calls.put("updateGroup", this::updateGroup);
        calls.put("deleteGroup", this::deleteGroup);
    }

    @Override
    public Call.Work work(String call) {
        return calls.get(call);
    }

    @Override
    public boolean isOperation(String call) {
        return call.endsWith("User") || call.contains("Group");
    }

    @Override
    public void end() throws SaasException {
        if (open) {
            open = false;
            for (AbstractSaasPlugin plugin : plugins) {
                plugin.stopSession();
            }
        }
    }

    private Args init(Call call) throws Exception {
        String asked = call.args().encode();
        if (modes.initPerCycle() || !open || !asked.equals(started)) {
            end();
            start(call.args());
            started = asked;
        }
        return facts(plugins.get(0));
    }

    private void start(Args args) throws Exception {
        lastRead.clear();
        if (plugins.isEmpty()) {
            plugins = newPlugins();
        }
        List<Field> parameters = new ArrayList<>();
        args.below("p.").forEach((name, values) -> parameters.add(new Field(name, values.get(0))));
        int channel = args.get("channel") == null ? 1 : Integer.parseInt(args.get("channel"));
        for (AbstractSaasPlugin plugin : plugins) {
            configure(plugin, channel, parameters);
            plugin.startSession();
            open = true;
        }
        if (modes.serializes()) {
            plugins = exchanged(channel, parameters);
        }
    }

    private List<AbstractSaasPlugin> newPlugins() throws Exception {
        List<AbstractSaasPlugin> created = new ArrayList<>();
        for (int i = 0; i < modes.instances(); i++) {
            AbstractSaasPlugin plugin = Discovery.instance(type);
            if (modes.asksFieldsEarly()) {
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
     * Each plugin with its session open, written out and read back. What the base class keeps is not written, so the
     * copy gets its parameters again; but no session is started for it, as nobody told it that it had lost the old one.
     */
    private List<AbstractSaasPlugin> exchanged(int channel, List<Field> parameters) throws Exception {
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
            protected Class<?> resolveClass(ObjectStreamClass described) throws ClassNotFoundException {
                return Class.forName(described.getName(), false, plugin.getClass().getClassLoader());
            }
        }) {
            return (AbstractSaasPlugin) in.readObject();
        }
    }

    /** What the server asks a plugin about itself before it reads the directory. */
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

    private Args check(Call call) throws SaasException {
        if (!modes.skipsCheck()) {
            plugin().checkSession();
        }
        return new Args();
    }

    private Args close(Call call) throws SaasException {
        if (modes.initPerCycle()) {
            end();
        }
        return new Args();
    }

    private Args settings(Call call) throws Exception {
        return new Args().add("json", Descriptors.settings(asked().getParameterDescriptors()));
    }

    private Args fields(Call call) throws Exception {
        List<? extends FieldInfo> fields = asked().getFieldInfo();
        return new Args().add("json", Descriptors.fields(fields));
    }

    /** The console asks whatever plugin it has: with a session, or without so much as parameters. */
    private AbstractSaasPlugin asked() throws Exception {
        if (plugins.isEmpty()) {
            AbstractSaasPlugin fresh = Discovery.instance(type);
            return modes.serializes() ? copy(fresh) : fresh;
        }
        return plugin();
    }

    private Args getUser(Call call) throws SaasException {
        SaasUserData user = plugin().getUser(call.args().get("guid"), call.args().get("username"));
        Args found = Records.found(user);
        if (user != null) {
            lastRead.put(user.getSaasUserGuid(), user);
        }
        return found;
    }

    private Args createUser(Call call) throws SaasException {
        return id(plugin().createUser(Records.user(call.args())));
    }

    private Args updateUser(Call call) throws SaasException {
        SaasUserData updated = Records.user(call.args());
        return id(plugin().updateUser(existing(updated), updated));
    }

    private Args deprovisionUser(Call call) throws SaasException {
        SaasUserData updated = Records.user(call.args());
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
        return Records.existing(lastRead.get(updated.getSaasUserGuid()), updated, modes.existingIsIdOnly());
    }

    private Args doesGroupExist(Call call) throws SaasException {
        SaasGroupData group = Records.group(call.args());
        boolean exists = withGroups().doesGroupExist(group);
        return guid(new Args().add("exists", exists), group);
    }

    private Args createGroup(Call call) throws SaasException {
        SaasGroupData group = Records.group(call.args());
        return guid(id(withGroups().createGroup(group)), group);
    }

    private Args updateGroup(Call call) throws SaasException {
        SaasGroupData group = Records.group(call.args());
        return guid(id(withGroups().updateGroup(group, call.args().flag("merge", false))), group);
    }

    private Args deleteGroup(Call call) throws SaasException {
        SaasGroupData group = Records.group(call.args());
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
        throw new IllegalArgumentException("the plugin is for users only");
    }

    /** The plugin, or the next in turn where there are several. */
    private AbstractSaasPlugin plugin() {
        List<AbstractSaasPlugin> all = plugins;
        if (all.isEmpty()) {
            throw new IllegalStateException("the channel has not been initialized");
        }
        return all.get(Math.floorMod(turn.getAndIncrement(), all.size()));
    }
}
