package org.pfscim.links;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;

/** Looks up each type, method and field to which a jar refers. Arguments: the jar, then the sources of other types. */
public final class LinkCheck {
    private final TypeSources sources = new TypeSources();
    private final Map<String, Type> ownTypes = new TreeMap<>();
    private final Map<String, References> references = new TreeMap<>();
    private final Set<String> problems = new TreeSet<>();
    private final Set<String> externalTypes = new HashSet<>();
    private final Set<String> externalMembers = new HashSet<>();

    private LinkCheck(Path jar, Iterable<Path> paths) throws IOException {
        for (Path path : paths) {
            sources.add(path);
        }
        try (JarFile open = new JarFile(jar.toFile())) {
            for (JarEntry entry : Collections.list(open.entries())) {
                if (entry.getName().endsWith(".class")) {
                    try (InputStream in = open.getInputStream(entry)) {
                        ClassReader reader = new ClassReader(in);
                        ownTypes.put(reader.getClassName(), Type.read(reader));
                        references.put(reader.getClassName(), References.of(reader));
                    }
                }
            }
        }
    }

    /** Prints what does not link. Exit status: 0 if the jar links, 1 if it does not, 2 if a path cannot be read. */
    public static void main(String[] args) {
        Path jar = Paths.get(args[0]);
        Set<Path> paths = new LinkedHashSet<>();
        for (int i = 1; i < args.length; i++) {
            paths.add(Paths.get(args[i]));
        }
        try {
            LinkCheck check = new LinkCheck(jar, paths);
            check.run();
            System.out.println(check.report(jar));
            System.exit(check.problems.isEmpty() ? 0 : 1);
        } catch (IOException e) {
            System.err.println("linkCheck: " + e.getMessage());
            System.exit(2);
        }
    }

    /** Returns what does not link, one line each. */
    static Set<String> problems(Path jar, Iterable<Path> paths) throws IOException {
        LinkCheck check = new LinkCheck(jar, paths);
        check.run();
        return check.problems;
    }

    private String report(Path jar) {
        String summary = jar.getFileName() + " refers to " + externalTypes.size() + " types and " + externalMembers.size()
            + " methods and fields outside the JDK and itself";
        return problems.isEmpty()
            ? summary + ", and all exist in " + sources
            : summary + ", but these do not link with " + sources + ":\n  " + String.join("\n  ", problems);
    }

    private void run() throws IOException {
        for (Type type : ownTypes.values()) {
            String user = type.name.replace('/', '.');
            References ofType = references.get(type.name);
            for (String name : ofType.types) {
                checkType(name, user);
            }
            for (References.Member member : ofType.members) {
                checkMember(member, user);
            }
            checkInherited(type, user);
        }
    }

    private Type find(String name) throws IOException {
        Type type = ownTypes.get(name);
        return type != null ? type : sources.find(name);
    }

    private boolean isExternal(String name) throws IOException {
        return !ownTypes.containsKey(name) && !TypeSources.isInJdk(name);
    }

    private void checkType(String name, String user) throws IOException {
        if (isExternal(name)) {
            externalTypes.add(name);
            if (sources.find(name) == null) {
                problems.add("missing: type " + name.replace('/', '.') + ", used by " + user);
            }
        }
    }

    private void checkMember(References.Member member, String user) throws IOException {
        // A reference names the class that inherits the member, which may be a class of the jar.
        Type owner = find(member.owner);
        String key = Type.key(member.name, member.descriptor);
        if (owner == null || ownTypes.containsKey(member.owner) && owner.members.containsKey(key)
                || TypeSources.isInJdk(member.owner)) {
            return;
        }
        Type declaring = declaringType(owner, key, new HashSet<>());
        if (declaring == null) {
            problems.add("missing: " + member + ", used by " + user);
            return;
        }
        if (!isExternal(declaring.name)) {
            return;
        }
        externalMembers.add(declaring.name + "." + key);
        int flags = declaring.members.get(key);
        if ((flags & Opcodes.ACC_STATIC) != 0 != member.isStatic) {
            problems.add("changed: " + member + " is " + (member.isStatic ? "not static" : "static") + ", used by " + user);
        } else if ((flags & (Opcodes.ACC_PUBLIC | Opcodes.ACC_PROTECTED)) == 0) {
            problems.add("changed: " + member + " is not public or protected, used by " + user);
        }
    }

    /** Returns the type that declares a member, in the order of linking: the class, then its supertypes. */
    private Type declaringType(Type type, String key, Set<String> seen) throws IOException {
        if (type.members.containsKey(key)) {
            return type;
        }
        for (String parent : type.parents) {
            Type supertype = seen.add(parent) ? find(parent) : null;
            Type declaring = supertype == null ? null : declaringType(supertype, key, seen);
            if (declaring != null) {
                return declaring;
            }
        }
        return null;
    }

    /** Checks the supertypes of a class: none is final, no final method is overridden, all abstract methods are implemented. */
    private void checkInherited(Type type, String user) throws IOException {
        Set<String> seen = new HashSet<>();
        for (String parent : type.parents) {
            Type supertype = find(parent);
            if (supertype != null && supertype.hasFlag(Opcodes.ACC_FINAL)) {
                problems.add("changed: " + parent.replace('/', '.') + " is final, extended by " + user);
            }
            checkInherited(type, supertype, user, seen);
        }
    }

    private void checkInherited(Type type, Type supertype, String user, Set<String> seen) throws IOException {
        if (supertype == null || !seen.add(supertype.name)) {
            return;
        }
        for (Map.Entry<String, Integer> member : supertype.members.entrySet()) {
            String key = member.getKey();
            int flags = member.getValue();
            References.Member inherited = member(supertype.name, key);
            if (key.startsWith("<") || (flags & (Opcodes.ACC_PRIVATE | Opcodes.ACC_STATIC)) != 0) {
                continue;
            }
            if ((flags & Opcodes.ACC_FINAL) != 0 && type.members.containsKey(key) && key.contains("(")) {
                problems.add("changed: " + inherited + " is final, overridden by " + user);
            }
            boolean isConcrete = !type.hasFlag(Opcodes.ACC_ABSTRACT);
            if (isConcrete && (flags & Opcodes.ACC_ABSTRACT) != 0 && isExternal(supertype.name)) {
                Type declaring = declaringType(type, key, new HashSet<>());
                if (declaring == null || (declaring.members.get(key) & Opcodes.ACC_ABSTRACT) != 0) {
                    problems.add("added: " + inherited + " is abstract, not implemented by " + user);
                }
            }
        }
        for (String parent : supertype.parents) {
            checkInherited(type, find(parent), user, seen);
        }
    }

    private static References.Member member(String owner, String key) {
        int space = key.indexOf(' ');
        return new References.Member(owner, key.substring(0, space), key.substring(space + 1), false);
    }
}
