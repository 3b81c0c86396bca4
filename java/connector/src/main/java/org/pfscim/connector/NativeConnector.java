package org.pfscim.connector;

import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.sourceid.saml20.adapter.conf.Field;

/**
 * Calls a session of the native library. No other class knows what the frames mean.
 *
 * <p>{@code call.rs} is the other half: it has the same numbers of operations, and the same order of arguments and results.
 *
 * <p>Many threads may use one session. A call that runs during {@link #close} finishes; a later call fails.
 */
final class NativeConnector {

    /** System property with the timeout of one operation in seconds. The default is shorter than PingFederate's timeout. */
    static final String OPERATION_TIMEOUT_PROPERTY = "org.pfscim.operation.timeout";

    static final int HELLO = 0;
    static final int OPEN = 1;
    static final int CHECK = 2;
    static final int CLOSE = 3;
    static final int FIND_USER = 4;
    static final int CREATE_USER = 5;
    static final int UPDATE_USER = 6;
    static final int REMOVE_USER = 7;
    static final int FIELDS = 8;
    static final int FIND_GROUP = 9;
    static final int CREATE_GROUP = 10;
    static final int UPDATE_GROUP = 11;
    static final int DELETE_GROUP = 12;

    private final long key;
    private final Map<String, String> settings;

    private NativeConnector(long key, Map<String, String> settings) {
        this.key = key;
        this.settings = settings;
    }

    /** Takes a request frame and returns the response frame. */
    static native byte[] call(byte[] frame);

    /** Loads the native library if this class loader has not loaded it. */
    static void load() throws SaasPluginException {
        NativeLibrary.load(NativeConnector::isLibraryCompatible);
    }

    /** Returns whether the loaded library reads and writes the frames of this class. */
    static boolean isLibraryCompatible() {
        byte[] sent = {1, 2, 3};
        Frame.Writer request = request(HELLO, 0).bytes(sent).string("\ud83d\ude00").strings(Collections.emptyList());
        request.map(Collections.<String, List<String>>emptyMap(), Frame.Writer::strings).i64(-1).bool(true);
        Frame.Reader response = new Frame.Reader(call(request.toBytes()));
        return response.list(NativeConnector::logLine).isEmpty() && response.u8() == 0
            && Arrays.equals(sent, response.bytes());
    }

    /**
     * Opens a session. Sends nothing to the target.
     *
     * @param fields the target settings
     * @param channel distinguishes channels with the same target settings
     */
    static NativeConnector open(Collection<Field> fields, String channel) throws SaasPluginException {
        Map<String, String> settings = settings(fields);
        long timeout = operationTimeoutMillis();
        long key = invoke(OPEN, 0, request -> request
            .map(settings, Frame.Writer::string)
            .string(channel)
            .list(TrustAnchors.der(), Frame.Writer::bytes)
            .map(proxyProperties(), Frame.Writer::string)
            .i64(timeout), Frame.Reader::i64);
        return new NativeConnector(key, settings);
    }

    /** Returns the target settings of a list of fields: name to value. A value may be null. */
    static Map<String, String> settings(Collection<Field> fields) {
        Map<String, String> settings = new LinkedHashMap<>();
        fields.forEach(field -> settings.put(field.getName(), field.getValue()));
        return settings;
    }

    /** Returns the settings with which the session was opened. */
    Map<String, String> settings() {
        return settings;
    }

    void check() throws SaasPluginException {
        invoke(CHECK, request -> { }, result -> {
            List<String> facts = result.strings();
            result.strings().forEach(PluginLog.LOG::warn);
            facts.forEach(PluginLog.LOG::info);
            return null;
        });
    }

    void close() throws SaasPluginException {
        invoke(CLOSE, request -> { }, result -> {
            result.strings().forEach(PluginLog.LOG::info);
            return null;
        });
    }

    /** @return null if the target has no such user */
    SaasUserData findUser(String id, String identifier) throws SaasPluginException {
        return invoke(FIND_USER, request -> request.string(id).string(identifier), result -> {
            if (!result.bool()) {
                return null;
            }
            SaasUserData user = new SaasUserData(result.string());
            user.setAccountEnabled(result.bool());
            result.map(Frame.Reader::strings).forEach(user::addAttribute);
            return user;
        });
    }

    /** @return the target id; null if no account was created */
    String createUser(SaasUserData user) throws SaasPluginException {
        return write(CREATE_USER, user(user.getSaasUserGuid(), user));
    }

    /** @return the target id; null if unknown */
    String updateUser(String id, SaasUserData user) throws SaasPluginException {
        return write(UPDATE_USER, user(id, user));
    }

    /** @return the target id; null if unknown */
    String removeUser(SaasUserData user) throws SaasPluginException {
        return write(REMOVE_USER, user(user.getSaasUserGuid(), user));
    }

    /** Returns the fields of the target, with the properties that the target publishes. */
    List<SaasPluginFieldInfo> fields() throws SaasPluginException {
        return invoke(FIELDS, request -> { }, result -> result.list(reader -> {
            SaasPluginFieldInfo field = new SaasPluginFieldInfo(reader.string(), reader.string());
            field.setRequired(reader.bool());
            field.setUnique(reader.bool());
            field.setMultiValue(reader.bool());
            reader.strings().forEach(field::addNote);
            reader.strings().forEach(option -> field.addOption(option, option));
            return field;
        }));
    }

    /** @return the target id; null if the target has no such group */
    String findGroup(String id, String name) throws SaasPluginException {
        return invoke(FIND_GROUP, request -> request.string(id).string(name), Frame.Reader::string);
    }

    /** @return the target id; null if unknown */
    String createGroup(SaasGroupData group) throws SaasPluginException {
        return write(CREATE_GROUP, group(group));
    }

    /**
     * @param merge whether to add the members to those at the target
     * @return the target id; null if unknown
     */
    String updateGroup(SaasGroupData group, boolean merge) throws SaasPluginException {
        Consumer<Frame.Writer> groupWriter = group(group);
        return write(UPDATE_GROUP, request -> groupWriter.accept(request.bool(merge)));
    }

    void deleteGroup(SaasGroupData group) throws SaasPluginException {
        write(DELETE_GROUP, request -> request.string(group.getGuid()).string(group.getName()).bool(false));
    }

    /** Reads the whole group before anything is sent, because an iterator over the server's database may fail midway. */
    private static Consumer<Frame.Writer> group(SaasGroupData group) throws SaasPluginException {
        List<SaasUserData> users = readMembers(group.getMembersIterator());
        List<SaasGroupData> groups = readMembers(group.getSubGroupMembersIterator());
        return request -> {
            request.string(group.getGuid()).string(group.getName()).bool(users != null);
            if (users != null) {
                request.list(users, (writer, user) -> writer.string(user.getSaasUserGuid()).string(memberName(user)));
                request.list(groups == null ? Collections.<SaasGroupData>emptyList() : groups,
                    (writer, nested) -> writer.string(nested.getGuid()).string(nested.getName()));
            }
        };
    }

    /** @return null if the members are unknown; an empty list if the group has no members */
    private static <T> List<T> readMembers(Iterator<T> members) throws SaasPluginException {
        if (members == null) {
            return null;
        }
        try {
            List<T> read = new ArrayList<>();
            members.forEachRemaining(member -> {
                if (member != null) {
                    read.add(member);
                }
            });
            return read;
        } catch (RuntimeException e) {
            throw new SaasPluginException("protocol: the members of the group cannot be read from the source, so nothing was sent",
                e);
        }
    }

    /** Returns the name under which a warning lists a member without target id. */
    private static String memberName(SaasUserData user) {
        List<String> names = attributes(user).get("userName");
        return names == null || names.isEmpty() ? user.getInternalGuid() : names.get(0);
    }

    private static Consumer<Frame.Writer> user(String id, SaasUserData user) {
        return request -> request
            .string(id)
            .bool(user.isAccountEnabled())
            .map(attributes(user), Frame.Writer::strings)
            .strings(user.getMaskedFields() == null ? Collections.emptySet() : user.getMaskedFields());
    }

    /** Calls an operation that may change the target. Logs each warning, then one line with the outcome. */
    private String write(int operation, Consumer<Frame.Writer> arguments) throws SaasPluginException {
        return invoke(operation, arguments, result -> {
            String id = result.string();
            String outcome = result.string();
            result.strings().forEach(PluginLog.LOG::warn);
            PluginLog.LOG.info(outcome);
            return id;
        });
    }

    /** Returns the attributes of a user without null codes, lists and values, which a host may leave in them. */
    private static Map<String, List<String>> attributes(SaasUserData user) {
        Map<String, List<String>> attributes = new LinkedHashMap<>();
        if (user.getAttributeMap() != null) {
            user.getAttributeMap().forEach((code, values) -> {
                if (code != null && values != null) {
                    attributes.put(code, values.stream().filter(Objects::nonNull).collect(Collectors.toList()));
                }
            });
        }
        return attributes;
    }

    private <T> T invoke(int operation, Consumer<Frame.Writer> arguments, Function<Frame.Reader, T> result)
            throws SaasPluginException {
        return invoke(operation, key, arguments, result);
    }

    /** Calls one operation. Logs its lines on this thread, because the host binds the context of the channel to it. */
    private static <T> T invoke(int operation, long key, Consumer<Frame.Writer> arguments, Function<Frame.Reader, T> result)
            throws SaasPluginException {
        load();
        try {
            Frame.Writer request = request(operation, key);
            arguments.accept(request);
            Frame.Reader response = new Frame.Reader(call(request.toBytes()));
            response.list(NativeConnector::logLine).forEach(Runnable::run);
            if (response.u8() != 0) {
                throw new SaasPluginException(response.string(), response.bool());
            }
            T value = result.apply(response);
            response.end();
            return value;
        } catch (NativeException e) {
            throw new SaasPluginException("protocol: " + e.getMessage(), e);
        }
    }

    private static Frame.Writer request(int operation, long key) {
        return new Frame.Writer().u8(operation).i64(key).bool(PluginLog.LOG.isDebugEnabled());
    }

    /** Reads a log line. Running the result logs it. */
    private static Runnable logLine(Frame.Reader reader) {
        int level = reader.u8();
        String text = reader.string();
        switch (level) {
            case 1: return () -> PluginLog.LOG.error(text);
            case 2: return () -> PluginLog.LOG.warn(text);
            case 3: return () -> PluginLog.LOG.info(text);
            default: return () -> PluginLog.LOG.debug(text);
        }
    }

    private static Map<String, String> proxyProperties() {
        Map<String, String> properties = new LinkedHashMap<>();
        for (String name : System.getProperties().stringPropertyNames()) {
            if (name.startsWith("http.") || name.startsWith("https.")) {
                properties.put(name, System.getProperty(name, ""));
            }
        }
        return properties;
    }

    private static long operationTimeoutMillis() throws SaasPluginException {
        String seconds = System.getProperty(OPERATION_TIMEOUT_PROPERTY, "50").trim();
        if (!seconds.matches("[1-9][0-9]{0,4}")) {
            throw new SaasPluginException("config: the system property " + OPERATION_TIMEOUT_PROPERTY
                + " must be a number of seconds from 1 to 99999", true);
        }
        return Long.parseLong(seconds) * 1000;
    }
}
