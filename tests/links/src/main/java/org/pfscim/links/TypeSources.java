package org.pfscim.links;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;

/** Finds types in the JDK of this process, in jars and in lists of signatures. The first source with a type supplies it. */
final class TypeSources {
    private static final String CLASS_SUFFIX = ".class";
    /** Folders of the server's class path, in its order (Jetty module {@code pf.mod}). */
    private static final String[] CLASS_PATH_FOLDERS = {"lib", "server/default/lib", "server/default/deploy"};
    private static final int LIB_DEPTH_MAX = 3;

    private final Map<String, Type> types = new HashMap<>();
    private final Map<String, Path> jars = new HashMap<>();
    private final List<String> names = new ArrayList<>();

    /** Adds an installation, a jar, or a list of signatures. */
    void add(Path source) throws IOException {
        if (Files.isDirectory(source)) {
            addInstallation(source);
        } else if (source.toString().endsWith(".jar")) {
            addJar(source);
            names.add(source.getFileName().toString());
        } else {
            addList(source);
            names.add(source.getFileName().toString());
        }
    }

    @Override
    public String toString() {
        return String.join(", ", names);
    }

    /** Returns a type, or null if no source has it. */
    Type find(String name) throws IOException {
        Type type = types.get(name);
        if (type == null) {
            type = read(name);
            types.put(name, type);
        }
        return type;
    }

    private Type read(String name) throws IOException {
        try (InputStream in = openFromJdk(name)) {
            if (in != null) {
                return Type.read(new ClassReader(in));
            }
        }
        Path jar = jars.get(name);
        if (jar == null) {
            return null;
        }
        try (JarFile open = new JarFile(jar.toFile()); InputStream in = open.getInputStream(open.getEntry(name + CLASS_SUFFIX))) {
            return Type.read(new ClassReader(in));
        }
    }

    /** Returns whether the JDK has a type. The compiler has checked references to it. */
    static boolean isInJdk(String name) throws IOException {
        try (InputStream in = openFromJdk(name)) {
            return in != null;
        }
    }

    private static InputStream openFromJdk(String name) {
        return ClassLoader.getSystemClassLoader().getParent().getResourceAsStream(name + CLASS_SUFFIX);
    }

    private void addInstallation(Path folder) throws IOException {
        Path home = Files.isDirectory(folder.resolve("pingfederate")) ? folder.resolve("pingfederate") : folder;
        if (!Files.isDirectory(home.resolve("server/default/lib"))) {
            throw new IOException(folder + " is not a PingFederate installation (no server/default/lib); set -PpfHome to"
                + " <pf_install>/pingfederate");
        }
        int count = 0;
        for (String part : CLASS_PATH_FOLDERS) {
            if (Files.isDirectory(home.resolve(part))) {
                try (Stream<Path> files = Files.walk(home.resolve(part), part.equals("lib") ? LIB_DEPTH_MAX : 1)) {
                    for (Path jar : files.filter(TypeSources::isServerJar).sorted().collect(Collectors.toList())) {
                        addJar(jar);
                        count++;
                    }
                }
            }
        }
        names.add(count + " jars of " + home);
    }

    /** Returns whether a file is a jar of the server, not a deployed copy of the jar that is checked. */
    private static boolean isServerJar(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".jar") && !name.startsWith("pfscim-");
    }

    private void addJar(Path file) throws IOException {
        try (JarFile jar = new JarFile(file.toFile())) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                if (entry.getName().endsWith(CLASS_SUFFIX)) {
                    jars.putIfAbsent(entry.getName().substring(0, entry.getName().length() - CLASS_SUFFIX.length()), file);
                }
            }
        } catch (IOException e) {
            throw new IOException(file + " cannot be read as a jar: " + e.getMessage(), e);
        }
    }

    /**
     * Adds a list of tab-separated rows: T type kind supertypes, M and F type member descriptor flags. A type that is only in
     * a descriptor is added without members.
     */
    private void addList(Path list) throws IOException {
        for (String line : Files.readAllLines(list, StandardCharsets.UTF_8)) {
            String[] row = line.split("\t", -1);
            if (row[0].equals("T")) {
                Type type = typeOf(row[1]);
                type.flags |= (row[2].startsWith("abstract") ? Opcodes.ACC_ABSTRACT : 0)
                    | (row[2].endsWith("interface") ? Opcodes.ACC_INTERFACE : 0);
                for (String parent : row[3].split(" ")) {
                    if (!parent.isEmpty()) {
                        type.parents.add(parent.replace('.', '/'));
                    }
                }
                type.parents.add("java/lang/Object");
            } else if (row[0].equals("M") || row[0].equals("F")) {
                int flags = Opcodes.ACC_PUBLIC | (row[4].equals("abstract") ? Opcodes.ACC_ABSTRACT : 0)
                    | (row[4].equals("static") ? Opcodes.ACC_STATIC : 0);
                typeOf(row[1]).members.put(Type.key(row[2], row[3]), flags);
                for (String name : References.typesIn(row[3])) {
                    if (!isInJdk(name)) {
                        typeOf(name.replace('/', '.'));
                    }
                }
            } else if (!line.startsWith("#")) {
                throw new IOException(list + ": a row has an unknown kind: " + line);
            }
        }
    }

    /** Returns the type of a list. Adds it if it is new. */
    private Type typeOf(String name) {
        return types.computeIfAbsent(name.replace('.', '/'), internalName -> new Type(internalName, Opcodes.ACC_PUBLIC));
    }
}
