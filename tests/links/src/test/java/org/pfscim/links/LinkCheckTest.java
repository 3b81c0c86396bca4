package org.pfscim.links;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** Tests the shipped jar with installations that contain the declarations of the SPI. */
public class LinkCheckTest {
    private static final String SDK = "com/pingidentity/provisioner/sdk/";

    @Rule
    public TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void the_jar_links_with_the_list_of_signatures() throws Exception {
        List<Path> paths = new ArrayList<>(Collections.singletonList(Paths.get(System.getProperty("pfscim.spi.signatures"))));
        paths.addAll(serverJars());
        assertEquals(Collections.emptySet(), LinkCheck.problems(connector(), paths));
    }

    @Test
    public void the_jar_links_with_an_installation_and_with_its_parent_folder() throws Exception {
        Path home = installation((name, writer) -> writer);
        assertEquals(Collections.emptySet(), problems(home));
        assertEquals(Collections.emptySet(), problems(home.getParent()));
    }

    @Test
    public void an_older_copy_in_the_installation_is_ignored() throws Exception {
        Path home = installation((name, writer) -> writer);
        Files.write(home.resolve("server/default/deploy/pfscim-connector-0.0.1.jar"), new byte[] {1});
        assertEquals(Collections.emptySet(), problems(home));
    }

    @Test
    public void a_missing_type_is_reported_with_the_class_that_uses_it() throws Exception {
        Set<String> problems = problems(installation((name, writer) -> name.equals(SDK + "SaasGroupData") ? null : writer));
        assertTrue(problems.toString(), problems.contains("missing: type com.pingidentity.provisioner.sdk.SaasGroupData, "
            + "used by org.pfscim.connector.ScimConnectorPlugin"));
    }

    @Test
    public void a_missing_method_is_reported_with_the_class_that_uses_it() throws Exception {
        assertEquals(Collections.singleton("missing: method com.pingidentity.provisioner.sdk.SaasUserData.isAccountEnabled() "
            + "returning boolean, used by org.pfscim.connector.NativeConnector"),
            problems(installation((name, writer) -> new Change(writer) {
                @Override
                public MethodVisitor visitMethod(int flags, String method, String type, String generic, String[] thrown) {
                    return method.equals("isAccountEnabled") ? null : super.visitMethod(flags, method, type, generic, thrown);
                }
            })));
    }

    @Test
    public void a_method_with_another_result_is_missing() throws Exception {
        Set<String> problems = problems(installation((name, writer) -> new Change(writer) {
            @Override
            public MethodVisitor visitMethod(int flags, String method, String type, String generic, String[] thrown) {
                boolean isGetValue = name.endsWith("/conf/Field") && method.equals("getValue");
                String changed = isGetValue ? "()Ljava/lang/Object;" : type;
                return super.visitMethod(flags, method, changed, generic, thrown);
            }
        }));
        assertEquals(Collections.singleton("missing: method org.sourceid.saml20.adapter.conf.Field.getValue() returning "
            + "java.lang.String, used by org.pfscim.connector.NativeConnector"), problems);
    }

    @Test
    public void a_method_that_became_static_or_private_is_changed() throws Exception {
        for (int change : new int[] {Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC, Opcodes.ACC_PRIVATE}) {
            Set<String> problems = problems(installation((name, writer) -> new Change(writer) {
                @Override
                public MethodVisitor visitMethod(int flags, String method, String type, String generic, String[] thrown) {
                    return super.visitMethod(method.equals("isAccountEnabled") ? change : flags, method, type, generic, thrown);
                }
            }));
            assertEquals(problems.toString(), 1, problems.size());
            assertTrue(problems.toString(), problems.iterator().next().startsWith("changed: method "));
        }
    }

    @Test
    public void a_new_abstract_method_without_implementation_is_added() throws Exception {
        Set<String> problems = problems(installation((name, writer) -> new Change(writer) {
            @Override
            public void visitEnd() {
                if (name.endsWith("/SaasProvisionerPlugin")) {
                    super.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_ABSTRACT, "renew", "()V", null, null).visitEnd();
                }
                super.visitEnd();
            }
        }));
        assertTrue(problems.toString(), problems.contains("added: method com.pingidentity.provisioner.saas."
            + "SaasProvisionerPlugin.renew() returning void is abstract, not implemented by org.pfscim.connector.ScimConnectorPlugin"));
    }

    @Test
    public void a_method_that_became_final_is_changed() throws Exception {
        Set<String> problems = problems(installation((name, writer) -> new Change(writer) {
            @Override
            public MethodVisitor visitMethod(int flags, String method, String type, String generic, String[] thrown) {
                boolean isFinal = method.equals("deprovisionUser") && (flags & Opcodes.ACC_ABSTRACT) == 0;
                return super.visitMethod(isFinal ? flags | Opcodes.ACC_FINAL : flags, method, type, generic, thrown);
            }
        }));
        assertTrue(problems.toString(), problems.stream().anyMatch(
            problem -> problem.contains(".deprovisionUser(") && problem.contains(" is final, overridden by ")));
    }

    @Test
    public void a_folder_that_is_not_an_installation_is_an_error() {
        IOException thrown = assertThrows(IOException.class, () -> problems(folder.getRoot().toPath()));
        assertTrue(thrown.getMessage(), thrown.getMessage().endsWith(
            "is not a PingFederate installation (no server/default/lib); set -PpfHome to <pf_install>/pingfederate"));
    }

    /** Changes a class of the installation. */
    private abstract static class Change extends ClassVisitor {
        Change(ClassVisitor next) {
            super(Opcodes.ASM9, next);
        }
    }

    /** Wraps the writer of a class, or returns null to leave the class out. */
    private interface Edit {
        ClassVisitor of(String name, ClassVisitor writer);
    }

    private static Set<String> problems(Path home) throws IOException {
        return LinkCheck.problems(connector(), Collections.singletonList(home));
    }

    private static Path connector() {
        return Paths.get(System.getProperty("pfscim.connector.jar"));
    }

    private static List<Path> serverJars() {
        List<Path> jars = new ArrayList<>();
        for (String jar : System.getProperty("pfscim.server.jars").split(File.pathSeparator)) {
            jars.add(Paths.get(jar));
        }
        return jars;
    }

    private Path installation(Edit edit) throws Exception {
        Path home = folder.newFolder().toPath().resolve("pingfederate");
        for (String part : Arrays.asList("lib", "server/default/lib", "server/default/deploy")) {
            Files.createDirectories(home.resolve(part));
        }
        for (Path jar : serverJars()) {
            Files.copy(jar, home.resolve("lib").resolve(jar.getFileName()));
        }
        File declarations = new File(AbstractSaasPlugin.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (JarFile from = new JarFile(declarations);
                JarOutputStream to = new JarOutputStream(Files.newOutputStream(home.resolve("server/default/lib/server.jar")))) {
            for (JarEntry entry : Collections.list(from.entries())) {
                if (entry.getName().endsWith(".class")) {
                    try (InputStream in = from.getInputStream(entry)) {
                        ClassReader reader = new ClassReader(in);
                        ClassWriter writer = new ClassWriter(0);
                        ClassVisitor edited = edit.of(reader.getClassName(), writer);
                        if (edited != null) {
                            reader.accept(edited, 0);
                            to.putNextEntry(new JarEntry(entry.getName()));
                            to.write(writer.toByteArray());
                        }
                    }
                }
            }
        }
        return home;
    }
}
