package org.pfscim.spi;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.mapping.FieldInfo;
import com.pingidentity.provisioner.saas.BaseSaasPlugin;
import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import com.pingidentity.provisioner.sdk.AbstractSaasPluginWithGroups;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import com.pingidentity.provisioner.sdk.internal.AbstractSaasPluginBase;
import com.pingidentity.provisioner.sdk.internal.AbstractSaasPluginWithGroupsBase;
import java.io.ObjectStreamClass;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.BeforeClass;
import org.junit.Test;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;

/** Compares the declarations with the list of the real signatures (tests/spi-signatures.txt), both ways. */
public class SignaturesTest {
    private static final String GUI = "org.sourceid.saml20.adapter.gui.";

    /** Real members that the declarations leave out. */
    private static final Set<String> LEFT_OUT = setOf(
        // The jar must not refer to log4j 1, because later servers do not have it.
        "com.pingidentity.provisioner.saas.BaseSaasPlugin.getUserLogger ()Lorg/apache/log4j/Logger;");

    /** Rows of release 7.1 that moved to a superclass in 9.0. Linking finds them there. */
    private static final Set<String> INHERITED = setOf(
        GUI + "TextFieldDescriptor.getSize ()I", GUI + "TextFieldDescriptor.setSize (I)V");

    /** Types whose superclass changed with that move. */
    private static final Map<String, String> SUPERTYPES_SINCE = new TreeMap<>();

    static {
        SUPERTYPES_SINCE.put(GUI + "TextFieldDescriptor", "class [" + GUI + "AbstractTextFieldDescriptor]");
    }

    /** Declared members that are not in the list, which names only their type. */
    private static final Set<String> DOCUMENTED = setOf(
        GUI + "AbstractTextFieldDescriptor.<init> (Ljava/lang/String;Ljava/lang/String;)V",
        GUI + "AbstractTextFieldDescriptor.getSize ()I",
        GUI + "AbstractTextFieldDescriptor.setSize (I)V");

    /** Declared types that are not in the list: types in its descriptors, and documented types. */
    private static final Set<String> DOCUMENTED_TYPES = setOf(
        "com.pingidentity.provisioner.identity.SaasGroup",
        "com.pingidentity.provisioner.identity.SaasIdentity",
        "com.pingidentity.provisioner.monitor.SaasProvisioningEventTracker",
        "com.pingidentity.provisioner.store.UserStoreUpdater",
        "com.pingidentity.provisioner.store.UserUpdater",
        "org.sourceid.saml20.domain.ConnectionBase",
        "org.sourceid.saml20.domain.SpConnection",
        // A type argument of the default mappings.
        "com.pingidentity.provisioner.mapping.FieldConfig",
        // A nested type of the base class.
        "com.pingidentity.provisioner.sdk.internal.AbstractSaasPluginWithGroupsBase$GroupMembershipUpdateMethod");

    private static Signatures listed;
    private static Signatures declared;
    private static List<Class<?>> classes;

    @BeforeClass
    public static void read() throws Exception {
        listed = Signatures.ofList(Paths.get(System.getProperty("pfscim.spi.signatures")));
        classes = visibleClasses();
        declared = Signatures.ofClasses(classes);
    }

    @Test
    public void every_listed_type_is_declared_with_its_kind_and_supertypes() {
        Map<String, String> expected = new TreeMap<>(listed.types);
        expected.putAll(SUPERTYPES_SINCE);
        Map<String, String> actual = new TreeMap<>(declared.types);
        actual.keySet().removeAll(DOCUMENTED_TYPES);
        assertEquals(lines(expected), lines(actual));
    }

    @Test
    public void every_listed_member_is_declared_with_its_flags() {
        Map<String, String> expected = new TreeMap<>(listed.members);
        expected.keySet().removeAll(LEFT_OUT);
        expected.keySet().removeAll(INHERITED);
        Map<String, String> actual = new TreeMap<>(declared.members);
        actual.keySet().retainAll(expected.keySet());
        assertEquals(lines(expected), lines(actual));
    }

    @Test
    public void every_declared_member_is_listed_or_documented() {
        Set<String> unlisted = new TreeSet<>(declared.members.keySet());
        unlisted.removeAll(listed.members.keySet());
        unlisted.removeIf(member -> DOCUMENTED_TYPES.contains(member.substring(0, typeEnd(member))));
        assertEquals(DOCUMENTED, unlisted);
    }

    @Test
    public void no_exception_of_this_test_is_out_of_date() {
        assertTrue(listed.members.keySet().containsAll(LEFT_OUT));
        assertTrue(listed.members.keySet().containsAll(INHERITED));
        assertTrue(listed.types.keySet().containsAll(SUPERTYPES_SINCE.keySet()));
        assertTrue(declared.types.keySet().containsAll(DOCUMENTED_TYPES));
        Set<String> both = new HashSet<>(DOCUMENTED_TYPES);
        both.retainAll(listed.types.keySet());
        assertEquals(setOf(), both);
    }

    @Test
    public void members_that_only_subclasses_may_use_are_protected() throws Exception {
        Set<String> actual = new TreeSet<>();
        for (Class<?> type : classes) {
            for (AccessibleObject member : members(type)) {
                Member named = (Member) member;
                if (Modifier.isProtected(named.getModifiers())) {
                    String name = member instanceof Constructor ? "new" : named.getName();
                    actual.add(type.getSimpleName() + "." + name);
                }
            }
        }
        assertEquals(setOf(
            // The base classes of plugins.
            "AbstractSaasPluginBase.convertAndFilter", "AbstractSaasPluginBase.doCreateUser",
            "AbstractSaasPluginBase.doDeprovisionUser", "AbstractSaasPluginBase.doGetUser",
            "AbstractSaasPluginBase.doLoadFieldsInfo", "AbstractSaasPluginBase.doUpdateUser",
            "AbstractSaasPluginBase.getSaasProviderEntityId", "AbstractSaasPluginBase.loadDefaultMappings",
            "BaseSaasPlugin._parameters", "BaseSaasPlugin.doCreateUser", "BaseSaasPlugin.doDeprovisionUser",
            "BaseSaasPlugin.doGetUser", "BaseSaasPlugin.doLoadFieldsInfo", "BaseSaasPlugin.doUpdateUser",
            "BaseSaasPlugin.loadDefaultMappings",
            // The descriptors of settings.
            "FieldDescriptor.new", "FieldList.new", "AbstractTextFieldDescriptor.new",
            "AbstractSelectionFieldDescriptor.new", "AbstractSelectionFieldDescriptor.optionValues",
            "SelectFieldDescriptor.new"), actual);
    }

    @Test
    public void serial_versions_are_those_of_the_server() {
        assertEquals(20100929L, serialVersion(AbstractSaasPlugin.class));
        assertEquals(1L, serialVersion(AbstractSaasPluginWithGroups.class));
        assertEquals(1L, serialVersion(AbstractSaasPluginBase.class));
        assertEquals(1L, serialVersion(AbstractSaasPluginWithGroupsBase.class));
        assertEquals(1L, serialVersion(SaasPluginFieldInfo.class));
        assertEquals(1L, serialVersion(SaasPluginException.class));
        assertEquals(20050515L, serialVersion(FieldInfo.class));
        assertEquals(20050515L, serialVersion(org.sourceid.saml20.adapter.conf.Field.class));
        assertEquals(20050515L, serialVersion(FieldDescriptor.class));
    }

    private static long serialVersion(Class<?> type) {
        return ObjectStreamClass.lookup(type).getSerialVersionUID();
    }

    private static int typeEnd(String member) {
        return member.lastIndexOf('.', member.indexOf(' '));
    }

    private static String lines(Map<String, String> entries) {
        StringBuilder text = new StringBuilder();
        entries.forEach((key, value) -> text.append(key).append("  ").append(value).append('\n'));
        return text.toString();
    }

    private static List<AccessibleObject> members(Class<?> type) {
        List<AccessibleObject> members = new ArrayList<>();
        for (Method method : type.getDeclaredMethods()) {
            if (!method.isSynthetic()) {
                members.add(method);
            }
        }
        members.addAll(Arrays.asList(type.getDeclaredConstructors()));
        members.addAll(Arrays.<Field>asList(type.getDeclaredFields()));
        return members;
    }

    /** Returns the public and protected classes in the same root folder as the base class of connectors. */
    private static List<Class<?>> visibleClasses() throws Exception {
        Path root = Paths.get(AbstractSaasPlugin.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<Class<?>> visible = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : (Iterable<Path>) files.sorted()::iterator) {
                String name = root.relativize(file).toString().replace(file.getFileSystem().getSeparator(), ".");
                if (name.endsWith(".class") && !name.endsWith("package-info.class")) {
                    Class<?> type = Class.forName(name.substring(0, name.length() - ".class".length()), false,
                        SignaturesTest.class.getClassLoader());
                    if (Signatures.isVisible(type.getModifiers())) {
                        visible.add(type);
                    }
                }
            }
        }
        return visible;
    }

    private static Set<String> setOf(String... items) {
        return new TreeSet<>(Arrays.asList(items));
    }
}
